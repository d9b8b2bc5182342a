-- Pitfall 37: extension in public
-- An attacker gets: the functions of the extension as rpc, where nobody thought of them.

-- Spelling variants of a city are the same city.
create extension pg_trgm with schema public;

create table public.addresses (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  city text not null,
  street text
);
create index addresses_user_idx on public.addresses (user_id);
create index addresses_city_idx on public.addresses using gin (city public.gin_trgm_ops);
alter table public.addresses enable row level security;
create policy addresses_own on public.addresses for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.addresses from public, anon, authenticated, service_role;
grant select, insert (user_id, city, street), update (city, street), delete on public.addresses to authenticated;
grant select, insert, update, delete on public.addresses to service_role;
