-- Pitfall 05: materialized view in the API
-- An attacker gets: the turnover of the whole shop: a materialized view has no row level security.

create table public.sales (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  item text not null,
  amount numeric(10, 2) not null default 1,
  sold_at timestamptz not null default now()
);
create index sales_user_idx on public.sales (user_id);
alter table public.sales enable row level security;
create policy sales_own on public.sales for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.sales from public, anon, authenticated, service_role;
grant select, insert (user_id, item, amount), update (item, amount), delete on public.sales to authenticated;
grant select, insert, update, delete on public.sales to service_role;

-- For the dashboard of the backend; refreshed every night.
create materialized view public.turnover as
  select count(*) as sales, count(distinct user_id) as sellers, coalesce(sum(amount), 0) as total
  from public.sales;
revoke all on public.turnover from public, anon, authenticated, service_role;
grant select on public.turnover to authenticated, service_role;
