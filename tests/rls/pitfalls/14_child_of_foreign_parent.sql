-- Pitfall 14: child into a foreign parent
-- An attacker gets: a place for their rows in another user's project: a foreign key does not see row level security.

create table public.projects (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  name text not null
);
create index projects_user_idx on public.projects (user_id);
alter table public.projects enable row level security;
create policy projects_own on public.projects for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  project_id uuid not null references public.projects (id) on delete cascade,
  title text not null
);
create index tasks_user_idx on public.tasks (user_id);
create index tasks_project_idx on public.tasks (project_id);
alter table public.tasks enable row level security;
-- Whose the task is, not whose the project.
create policy tasks_own on public.tasks for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.projects from public, anon, authenticated, service_role;
grant select, insert (user_id, name), update (name), delete on public.projects to authenticated;
grant select, insert, update, delete on public.projects to service_role;
revoke all on public.tasks from public, anon, authenticated, service_role;
grant select, insert (user_id, project_id, title), update (title), delete on public.tasks to authenticated;
grant select, insert, update, delete on public.tasks to service_role;
