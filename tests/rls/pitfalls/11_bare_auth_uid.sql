-- Pitfall 11: bare auth.uid()
-- An attacker gets: a slow table: the function is called once for every row that a query looks at.

create table public.measurements (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  sensor text not null,
  value double precision not null default 0,
  measured_at timestamptz not null default now()
);
create index measurements_user_idx on public.measurements (user_id);
alter table public.measurements enable row level security;
create policy measurements_own on public.measurements for all to authenticated
  using (user_id = auth.uid()) with check (user_id = auth.uid());

revoke all on public.measurements from public, anon, authenticated, service_role;
grant select, insert (user_id, sensor, value, measured_at), update (sensor, value), delete on public.measurements to authenticated;
grant select, insert, update, delete on public.measurements to service_role;
