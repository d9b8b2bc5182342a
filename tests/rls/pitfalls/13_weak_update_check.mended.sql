-- The row has to stay the caller's.
alter policy documents_update on public.documents with check (user_id = (select auth.uid()));
