-- Pitfall 06: definer function without a pinned search_path
-- An attacker gets: with a connection that can make temporary tables, a function that works on their table as its owner.

create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  archived boolean not null default false,
  created_at timestamptz not null default now()
);
create index tasks_user_idx on public.tasks (user_id);
alter table public.tasks enable row level security;
create policy tasks_own on public.tasks for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.tasks from public, anon, authenticated, service_role;
grant select, insert (user_id, title), update (title), delete on public.tasks to authenticated;
grant select, insert, update, delete on public.tasks to service_role;

-- `tasks` is whatever the caller's search_path finds first, pg_temp before everything else.
create function public.archive_task(p_task_id uuid) returns void
language plpgsql security definer as $$
begin
  update tasks set archived = true where id = p_task_id and user_id = (select auth.uid());
end $$;
revoke execute on function public.archive_task(uuid) from public, anon;
grant execute on function public.archive_task(uuid) to authenticated;
