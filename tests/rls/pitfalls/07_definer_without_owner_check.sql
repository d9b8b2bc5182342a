-- Pitfall 07: definer function without an owner check
-- An attacker gets: the total of every other customer's invoice, by its id.

create table public.invoices (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  number text not null,
  net numeric(10, 2) not null default 100,
  tax numeric(10, 2) not null default 19
);
create index invoices_user_idx on public.invoices (user_id);
alter table public.invoices enable row level security;
create policy invoices_own on public.invoices for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.invoices from public, anon, authenticated, service_role;
grant select, insert (user_id, number, net, tax), update (number, net, tax), delete on public.invoices to authenticated;
grant select, insert, update, delete on public.invoices to service_role;

create function public.invoice_total(p_invoice_id uuid) returns numeric
language sql stable security definer set search_path = '' as $$
  select i.net + i.tax from public.invoices i where i.id = p_invoice_id
$$;
revoke execute on function public.invoice_total(uuid) from public, anon;
grant execute on function public.invoice_total(uuid) to authenticated, service_role;
