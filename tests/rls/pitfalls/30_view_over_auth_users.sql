-- Pitfall 30: view over auth.users
-- An attacker gets: the e-mail address and last sign-in of every user.

-- For the user list of the back office.
create view public.accounts as
  select id, email, created_at, last_sign_in_at
  from auth.users;

revoke all on public.accounts from public, anon, authenticated, service_role;
grant select on public.accounts to authenticated, service_role;
