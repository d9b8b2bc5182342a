-- Pitfall 34: the client sets cost, status and the like
-- An attacker gets: orders at a price of their own choice, marked as paid.

create table public.orders (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  product text not null,
  quantity integer not null default 1,
  price numeric(10, 2) not null default 0,
  status text not null default 'open',
  constraint orders_status_check check (status in ('open', 'paid', 'shipped'))
);
create index orders_user_idx on public.orders (user_id);
alter table public.orders enable row level security;
create policy orders_own on public.orders for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.orders from public, anon, authenticated, service_role;
grant select, insert (user_id, product, quantity, price, status), update (quantity, price, status), delete on public.orders to authenticated;
grant select, insert, update, delete on public.orders to service_role;
