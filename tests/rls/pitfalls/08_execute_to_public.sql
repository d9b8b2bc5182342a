-- Pitfall 08: EXECUTE to PUBLIC by default
-- An attacker gets: a maintenance function that every visitor can call without an account.

create table public.invitations (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  email text not null,
  expires_at timestamptz not null default now() + interval '7 days'
);
create index invitations_user_idx on public.invitations (user_id);
alter table public.invitations enable row level security;
create policy invitations_own on public.invitations for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.invitations from public, anon, authenticated, service_role;
grant select, insert (user_id, email), update (email), delete on public.invitations to authenticated;
grant select, insert, update, delete on public.invitations to service_role;

-- For the nightly job of the backend, which calls it with the secret key.
create function public.purge_expired_invitations() returns void
language sql security definer set search_path = '' as $$
  delete from public.invitations where expires_at < now()
$$;
