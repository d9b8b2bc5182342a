-- In a sub-select it is called once for a query.
alter policy measurements_own on public.measurements
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
