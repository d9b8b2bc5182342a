-- Admins read through the backend, with the secret key.
alter policy log_entries_select on public.log_entries using (user_id = (select auth.uid()));
