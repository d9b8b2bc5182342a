-- Pitfall 21: definer trigger writes across owners
-- An attacker gets: a hand in everybody's addresses: one default address of their own, and nobody else has one.

create table public.addresses (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  street text not null,
  is_default boolean not null default false
);
create index addresses_user_idx on public.addresses (user_id);
alter table public.addresses enable row level security;
create policy addresses_own on public.addresses for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.addresses from public, anon, authenticated, service_role;
grant select, insert (user_id, street, is_default), update (street), delete on public.addresses to authenticated;
grant select, insert, update, delete on public.addresses to service_role;

-- There is one default. As its owner, because users may not update the column.
create function public.single_default_address() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.addresses a set is_default = false where a.is_default and a.id <> new.id;
  return null;
end $$;
revoke execute on function public.single_default_address() from public, anon, authenticated;
create trigger addresses_single_default after insert on public.addresses
  for each row when (new.is_default) execute function public.single_default_address();
