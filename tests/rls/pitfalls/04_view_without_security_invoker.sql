-- Pitfall 04: view without security_invoker
-- An attacker gets: what every other customer spends, month by month.

create table public.purchases (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  shop text not null,
  amount numeric(10, 2) not null default 1,
  purchased_at timestamptz not null default now()
);
create index purchases_user_idx on public.purchases (user_id);
alter table public.purchases enable row level security;
create policy purchases_own on public.purchases for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.purchases from public, anon, authenticated, service_role;
grant select, insert (user_id, shop, amount, purchased_at), update (shop, amount), delete on public.purchases to authenticated;
grant select, insert, update, delete on public.purchases to service_role;

-- Reads as its owner, whom the policies of the table do not bind.
create view public.monthly_spending as
  select user_id, date_trunc('month', purchased_at) as month, count(*) as purchases, sum(amount) as total
  from public.purchases
  group by user_id, date_trunc('month', purchased_at);
revoke all on public.monthly_spending from public, anon, authenticated, service_role;
grant select on public.monthly_spending to authenticated, service_role;
