-- Asked by the policy, before any constraint: the same answer for both.
drop trigger files_folder_owner on public.files;
drop function public.check_folder_owner();
alter policy files_own on public.files with check (user_id = (select auth.uid()) and exists (
  select from public.folders f where f.id = folder_id and f.user_id = (select auth.uid())
));
