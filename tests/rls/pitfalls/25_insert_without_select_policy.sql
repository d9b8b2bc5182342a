-- Pitfall 25: an insert with RETURNING needs the SELECT policy
-- An attacker gets: nothing, but client libraries, which ask for the row back, cannot insert: 42501, although the INSERT policy allows it.

create table public.feedback (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  message text not null,
  created_at timestamptz not null default now()
);
create index feedback_user_idx on public.feedback (user_id);
alter table public.feedback enable row level security;
create policy feedback_insert on public.feedback for insert to authenticated
  with check (user_id = (select auth.uid()));

revoke all on public.feedback from public, anon, authenticated, service_role;
grant select, insert (user_id, message) on public.feedback to authenticated;
grant select, insert, update, delete on public.feedback to service_role;
