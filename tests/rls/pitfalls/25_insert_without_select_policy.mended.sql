-- What was given can be seen by who gave it.
create policy feedback_select on public.feedback for select to authenticated
  using (user_id = (select auth.uid()));
