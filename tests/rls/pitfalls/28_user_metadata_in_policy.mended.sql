-- Only the secret key sets app_metadata.
alter policy tickets_support on public.tickets
  using ((select auth.jwt() -> 'app_metadata' ->> 'role') = 'support');
