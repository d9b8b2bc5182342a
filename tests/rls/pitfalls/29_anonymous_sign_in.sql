-- Pitfall 29: an anonymous sign-in has the role authenticated
-- An attacker gets: the directory of all members, without an e-mail address or password: anonymous users are signed in too.

create table public.member_profiles (
  user_id uuid primary key default auth.uid() references auth.users (id) on delete cascade,
  display_name text not null,
  phone text
);
alter table public.member_profiles enable row level security;
create policy member_profiles_own on public.member_profiles for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
-- Meant for members; holds for everybody whom Auth gave a token.
create policy member_profiles_read on public.member_profiles for select to authenticated
  using (true);

revoke all on public.member_profiles from public, anon, authenticated, service_role;
grant select, insert (user_id, display_name, phone), update (display_name, phone), delete on public.member_profiles to authenticated;
grant select, insert, update, delete on public.member_profiles to service_role;
