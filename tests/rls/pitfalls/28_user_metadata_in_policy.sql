-- Pitfall 28: user_metadata in a policy
-- An attacker gets: every ticket: they write the role of support into their own user_metadata and sign in again.

create table public.tickets (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  subject text not null,
  body text,
  created_at timestamptz not null default now()
);
create index tickets_user_idx on public.tickets (user_id);
alter table public.tickets enable row level security;
create policy tickets_own on public.tickets for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
-- A user can change their own user_metadata.
create policy tickets_support on public.tickets for select to authenticated
  using ((select auth.jwt() -> 'user_metadata' ->> 'role') = 'support');

revoke all on public.tickets from public, anon, authenticated, service_role;
grant select, insert (user_id, subject, body), update (subject, body), delete on public.tickets to authenticated;
grant select, insert, update, delete on public.tickets to service_role;
