-- The project has to be the caller's too.
alter policy tasks_own on public.tasks with check (user_id = (select auth.uid()) and exists (
  select from public.projects p where p.id = project_id and p.user_id = (select auth.uid())
));
