-- Pitfall 19: permissive policies OR together
-- An attacker gets: every note that no moderator has hidden: the second policy was meant to narrow the first.

create table public.notes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  body text not null,
  hidden_at timestamptz,
  created_at timestamptz not null default now()
);
create index notes_user_idx on public.notes (user_id);
alter table public.notes enable row level security;
create policy notes_own on public.notes for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
-- Meant as a condition on top; two permissive policies are alternatives.
create policy notes_not_hidden on public.notes for select to authenticated
  using (hidden_at is null);

revoke all on public.notes from public, anon, authenticated, service_role;
grant select, insert (user_id, body), update (body), delete on public.notes to authenticated;
grant select, insert, update, delete on public.notes to service_role;
