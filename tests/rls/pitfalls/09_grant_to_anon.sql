-- Pitfall 09: grants to anon
-- An attacker gets: an empty list instead of a refusal: the first policy that is too wide opens the table to the world.

create table public.diary_entries (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  day date not null default current_date,
  body text not null,
  created_at timestamptz not null default now()
);
create index diary_entries_user_idx on public.diary_entries (user_id);
alter table public.diary_entries enable row level security;
create policy diary_entries_own on public.diary_entries for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.diary_entries from public, anon, authenticated, service_role;
grant select, insert (user_id, day, body), update (day, body), delete on public.diary_entries to authenticated;
grant select, insert, update, delete on public.diary_entries to service_role;
grant select, insert (user_id, day, body), update (day, body), delete on public.diary_entries to anon;
