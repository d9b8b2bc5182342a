-- Pitfall 12: policy column does not lead an index
-- An attacker gets: a slow table: every query reads everybody's rows and throws most of them away.

create table public.page_visits (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  path text not null,
  visited_at timestamptz not null default now()
);
-- Serves the newest visits of all; a user's own cannot be found by it.
create index page_visits_time_idx on public.page_visits (visited_at desc, user_id);
alter table public.page_visits enable row level security;
create policy page_visits_own on public.page_visits for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.page_visits from public, anon, authenticated, service_role;
grant select, insert (user_id, path), update (path), delete on public.page_visits to authenticated;
grant select, insert, update, delete on public.page_visits to service_role;
