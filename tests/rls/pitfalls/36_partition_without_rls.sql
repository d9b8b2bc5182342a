-- Pitfall 36: partition without row level security, but granted
-- An attacker gets: everybody's events of one region, by the name of the partition: the policies of the parent are not asked there.

create table public.events (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  region text not null check (region in ('eu', 'us')),
  payload jsonb not null default '{}',
  primary key (id, region)
) partition by list (region);
create table public.events_eu partition of public.events for values in ('eu');
create table public.events_us partition of public.events for values in ('us');
create index events_user_idx on public.events (user_id);
alter table public.events enable row level security;
alter table public.events_eu enable row level security;
create policy events_own on public.events for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.events_eu, public.events_us from public, anon, authenticated, service_role;
revoke all on public.events from public, anon, authenticated, service_role;
grant select, insert (user_id, region, payload), update (payload), delete on public.events to authenticated;
grant select, insert, update, delete on public.events to service_role;
-- The second region came later, for a report that reads it directly.
grant select on public.events_us to authenticated;
