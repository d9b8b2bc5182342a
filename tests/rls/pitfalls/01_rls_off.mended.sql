-- Row level security, with the policy that it then needs.
alter table public.invoices enable row level security;
create policy invoices_own on public.invoices for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
