-- Pitfall 03: row level security on, no policy
-- An attacker gets: nothing, but neither do the owners: their lists come back empty, without an error.

create table public.reminders (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  text text not null,
  remind_at timestamptz not null default now(),
  done boolean not null default false
);
create index reminders_user_idx on public.reminders (user_id);
alter table public.reminders enable row level security;

revoke all on public.reminders from public, anon, authenticated, service_role;
grant select, insert (user_id, text, remind_at, done), update (text, remind_at, done), delete on public.reminders to authenticated;
grant select, insert, update, delete on public.reminders to service_role;
