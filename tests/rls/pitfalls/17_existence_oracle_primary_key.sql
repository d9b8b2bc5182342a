-- Pitfall 17: existence oracle through a primary key that the client sets
-- An attacker gets: which ids exist: 409 for one that is taken, 201 for a free one.

create table public.bookmarks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  url text not null,
  title text,
  created_at timestamptz not null default now()
);
create index bookmarks_user_idx on public.bookmarks (user_id);
alter table public.bookmarks enable row level security;
create policy bookmarks_own on public.bookmarks for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

-- The app makes the ids itself, so that it can work offline.
revoke all on public.bookmarks from public, anon, authenticated, service_role;
grant select, insert (id, user_id, url, title), update (url, title), delete on public.bookmarks to authenticated;
grant select, insert, update, delete on public.bookmarks to service_role;
