-- Pitfall 23: TRUNCATE ignores row level security
-- An attacker gets: with a connection that speaks SQL as authenticated, an empty table: everybody's drafts are gone.

create table public.drafts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  subject text not null,
  body text,
  created_at timestamptz not null default now()
);
create index drafts_user_idx on public.drafts (user_id);
alter table public.drafts enable row level security;
create policy drafts_own on public.drafts for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.drafts from public, anon, authenticated, service_role;
grant select, insert (user_id, subject, body), update (subject, body), delete on public.drafts to authenticated;
grant select, insert, update, delete on public.drafts to service_role;
-- For the button that empties the drafts.
grant truncate on public.drafts to authenticated;
