-- Pitfall 18: upsert
-- An attacker gets: any handle they like: an upsert onto it makes the row theirs.

create table public.handles (
  handle text primary key,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  bio text
);
create index handles_user_idx on public.handles (user_id);
alter table public.handles enable row level security;
-- Handles are public among members.
create policy handles_select on public.handles for select to authenticated
  using (true);
create policy handles_insert on public.handles for insert to authenticated
  with check (user_id = (select auth.uid()));
-- The new row has to be the caller's; the old one may be anybody's.
create policy handles_update on public.handles for update to authenticated
  using (true) with check (user_id = (select auth.uid()));
create policy handles_delete on public.handles for delete to authenticated
  using (user_id = (select auth.uid()));

revoke all on public.handles from public, anon, authenticated, service_role;
grant select, insert (handle, user_id, bio), update (handle, user_id, bio), delete on public.handles to authenticated;
grant select, insert, update, delete on public.handles to service_role;
