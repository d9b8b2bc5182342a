create table public.documents (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  is_public boolean not null default false
);
create index documents_owner_id_idx on public.documents (owner_id);
alter table public.documents enable row level security;
grant select, insert, update, delete on public.documents to authenticated, service_role;

create policy "owners read" on public.documents for select to authenticated
  using (owner_id = (select auth.uid()) or is_public is not null);
create policy "owners add" on public.documents for insert to authenticated
  with check (owner_id = (select auth.uid()));
create policy "owners change" on public.documents for update to authenticated
  using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
create policy "owners delete" on public.documents for delete to authenticated
  using (owner_id = (select auth.uid()));
