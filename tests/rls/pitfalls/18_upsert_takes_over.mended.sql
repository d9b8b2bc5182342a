-- The old row as well.
alter policy handles_update on public.handles using (user_id = (select auth.uid()));
