-- Pitfall 13: the check of UPDATE is weaker than its USING
-- An attacker gets: rows of their own making in another user's name: they write one and give it away.

create table public.documents (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  body text,
  created_at timestamptz not null default now()
);
create index documents_user_idx on public.documents (user_id);
alter table public.documents enable row level security;
-- Members read everything, and write what is theirs.
create policy documents_select on public.documents for select to authenticated
  using (true);
create policy documents_insert on public.documents for insert to authenticated
  with check (user_id = (select auth.uid()));
create policy documents_update on public.documents for update to authenticated
  using (user_id = (select auth.uid())) with check (true);
create policy documents_delete on public.documents for delete to authenticated
  using (user_id = (select auth.uid()));

revoke all on public.documents from public, anon, authenticated, service_role;
grant select, insert (user_id, title, body), update (user_id, title, body), delete on public.documents to authenticated;
grant select, insert, update, delete on public.documents to service_role;
