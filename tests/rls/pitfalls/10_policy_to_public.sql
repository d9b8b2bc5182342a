-- Pitfall 10: policy without `to authenticated`
-- An attacker gets: nothing yet: visitors, who may read what is published, are judged by this policy too.

create table public.recipes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  steps text,
  published boolean not null default false,
  created_at timestamptz not null default now()
);
create index recipes_user_idx on public.recipes (user_id);
alter table public.recipes enable row level security;
create policy recipes_own on public.recipes for all
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy recipes_published on public.recipes for select to anon using (published);

revoke all on public.recipes from public, anon, authenticated, service_role;
grant select, insert (user_id, title, steps), update (title, steps), delete on public.recipes to authenticated;
grant select on public.recipes to anon;
grant select, insert, update, delete on public.recipes to service_role;
