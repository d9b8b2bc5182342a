-- Pitfall 10: policy without `to authenticated`
-- An attacker gets: nothing yet: the policy also holds for anon, whom a later grant would let in to be judged by it.

create table public.recipes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null,
  steps text,
  created_at timestamptz not null default now()
);
create index recipes_user_idx on public.recipes (user_id);
alter table public.recipes enable row level security;
create policy recipes_own on public.recipes for all
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));

revoke all on public.recipes from public, anon, authenticated, service_role;
grant select, insert (user_id, title, steps), update (title, steps), delete on public.recipes to authenticated;
grant select, insert, update, delete on public.recipes to service_role;
