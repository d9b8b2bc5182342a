-- Pitfall 39: embedding reaches a table through a relation
-- An attacker gets: the discount that every supplier gives: `?select=*,suppliers(*)` on an order of their own.

create table public.suppliers (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  discount numeric(4, 2) not null default 0
);
create table public.orders (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  supplier_id uuid not null references public.suppliers (id),
  product text not null
);
create index orders_user_idx on public.orders (user_id);
create index orders_supplier_idx on public.orders (supplier_id);
alter table public.suppliers enable row level security;
alter table public.orders enable row level security;
create policy orders_select on public.orders for select to authenticated
  using (user_id = (select auth.uid()));
-- So that an order can be shown with the name of its supplier.
create policy suppliers_select on public.suppliers for select to authenticated
  using (true);

revoke all on public.suppliers, public.orders from public, anon, authenticated, service_role;
grant select on public.suppliers, public.orders to authenticated;
grant select, insert, update, delete on public.suppliers, public.orders to service_role;
