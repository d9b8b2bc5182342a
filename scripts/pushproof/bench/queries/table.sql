-- One table of a generated project, with four policies. The placeholders stand for its number, its reference to another
-- table, and the condition that the referenced row is the caller's own.
create table public.table_%n% (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  parent_id uuid%key%,
  title text not null,
  body text,
  done boolean not null default false
);
create index on public.table_%n% (user_id);
create index on public.table_%n% (parent_id);
alter table public.table_%n% enable row level security;
grant select, delete, insert (user_id, parent_id, title, body, done), update (title, body, done) on public.table_%n% to authenticated;
grant select, insert, update, delete on public.table_%n% to service_role;
create policy own_select on public.table_%n% for select to authenticated using (user_id = (select auth.uid()));
create policy own_insert on public.table_%n% for insert to authenticated with check (
  user_id = (select auth.uid())%check%
);
create policy own_update on public.table_%n% for update to authenticated using (user_id = (select auth.uid()));
create policy own_delete on public.table_%n% for delete to authenticated using (user_id = (select auth.uid()));
