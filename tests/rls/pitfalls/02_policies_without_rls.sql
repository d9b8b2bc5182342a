-- Pitfall 02: policies exist, row level security is off
-- An attacker gets: every patient's appointments: the policies look right and are not asked.

create table public.appointments (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  starts_at timestamptz not null,
  reason text not null,
  created_at timestamptz not null default now()
);
create index appointments_user_idx on public.appointments (user_id);

-- The policies were written; the line that turns them on was not.
create policy appointments_own on public.appointments for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.appointments from public, anon, authenticated, service_role;
grant select, insert (user_id, starts_at, reason), update (starts_at, reason), delete on public.appointments to authenticated;
grant select, insert, update, delete on public.appointments to service_role;
