-- Pitfall 33: planned and estimated counts use everyone's statistics
-- An attacker gets: about how many rows a typical user has, although they see none of them.

create table public.readings (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  meter text not null,
  value integer not null default 0,
  taken_at timestamptz not null default now()
);
create index readings_user_idx on public.readings (user_id);
alter table public.readings enable row level security;
create policy readings_own on public.readings for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.readings from public, anon, authenticated, service_role;
grant select, insert (user_id, meter, value), update (meter, value), delete on public.readings to authenticated;
grant select, insert, update, delete on public.readings to service_role;

-- What one user brought along from the old system.
insert into auth.users (id, aud, role, email)
  values ('33333333-3333-4333-8333-333333333333', 'authenticated', 'authenticated', 'import@example.com');
insert into public.readings (user_id, meter, value)
  select '33333333-3333-4333-8333-333333333333', 'kitchen', n from generate_series(1, 3000) as n;
analyze public.readings;
