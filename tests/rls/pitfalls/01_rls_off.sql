-- Pitfall 01: row level security off in an exposed schema
-- An attacker gets: every customer's invoices, to read, change and delete, with any account of their own.

create table public.invoices (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  number text not null,
  amount numeric(10, 2) not null default 0,
  created_at timestamptz not null default now()
);
create index invoices_user_idx on public.invoices (user_id);

revoke all on public.invoices from public, anon, authenticated, service_role;
grant select, insert (user_id, number, amount), update (number, amount), delete on public.invoices to authenticated;
grant select, insert, update, delete on public.invoices to service_role;
