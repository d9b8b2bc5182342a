-- Pitfall 20: `or is_admin` in a policy defeats the index
-- An attacker gets: a slow table: for the sake of the admins every user's query reads all of it.

create table public.log_entries (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  message text not null,
  created_at timestamptz not null default now()
);
create index log_entries_user_idx on public.log_entries (user_id);
alter table public.log_entries enable row level security;
create policy log_entries_select on public.log_entries for select to authenticated
  using (user_id = (select auth.uid()) or (select auth.jwt() -> 'app_metadata' ->> 'role') = 'admin');
create policy log_entries_insert on public.log_entries for insert to authenticated
  with check (user_id = (select auth.uid()));
create policy log_entries_update on public.log_entries for update to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy log_entries_delete on public.log_entries for delete to authenticated
  using (user_id = (select auth.uid()));

revoke all on public.log_entries from public, anon, authenticated, service_role;
grant select, insert (user_id, message), update (message), delete on public.log_entries to authenticated;
grant select, insert, update, delete on public.log_entries to service_role;
