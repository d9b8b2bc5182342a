-- Pitfall 16: existence oracle through a foreign key
-- An attacker gets: which folders exist: another user's is refused by the trigger, a missing one by the foreign key.

create table public.folders (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  name text not null
);
create index folders_user_idx on public.folders (user_id);
alter table public.folders enable row level security;
create policy folders_own on public.folders for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

create table public.files (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  folder_id uuid not null references public.folders (id) on delete cascade,
  name text not null
);
create index files_user_idx on public.files (user_id);
create index files_folder_idx on public.files (folder_id);
alter table public.files enable row level security;
create policy files_own on public.files for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
revoke all on public.folders from public, anon, authenticated, service_role;
grant select, insert (user_id, name), update (name), delete on public.folders to authenticated;
grant select, insert, update, delete on public.folders to service_role;
revoke all on public.files from public, anon, authenticated, service_role;
grant select, insert (user_id, folder_id, name), update (name), delete on public.files to authenticated;
grant select, insert, update, delete on public.files to service_role;

create function public.check_folder_owner() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.folders f where f.id = new.folder_id and f.user_id <> (select auth.uid())) then
    raise exception 'This folder belongs to somebody else' using errcode = '42501';
  end if;
  return new;
end $$;
revoke execute on function public.check_folder_owner() from public, anon, authenticated;
create trigger files_folder_owner before insert or update of folder_id on public.files
  for each row execute function public.check_folder_owner();
