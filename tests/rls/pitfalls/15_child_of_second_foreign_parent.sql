-- Pitfall 15: child into a foreign parent, through another parent
-- An attacker gets: posts of theirs under another user's brand: the policy checks the campaign and forgets the brand.

create table public.brands (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  name text not null
);
create index brands_user_idx on public.brands (user_id);
alter table public.brands enable row level security;
create policy brands_own on public.brands for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create table public.campaigns (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  name text not null
);
create index campaigns_user_idx on public.campaigns (user_id);
alter table public.campaigns enable row level security;
create policy campaigns_own on public.campaigns for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create table public.posts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  campaign_id uuid not null references public.campaigns (id) on delete cascade,
  brand_id uuid not null references public.brands (id) on delete cascade,
  content text not null
);
create index posts_user_idx on public.posts (user_id);
create index posts_campaign_idx on public.posts (campaign_id);
create index posts_brand_idx on public.posts (brand_id);
alter table public.posts enable row level security;
create policy posts_own on public.posts for all to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()) and exists (
    select from public.campaigns c where c.id = campaign_id and c.user_id = (select auth.uid())
  ));

revoke all on public.brands from public, anon, authenticated, service_role;
grant select, insert (user_id, name), update (name), delete on public.brands to authenticated;
grant select, insert, update, delete on public.brands to service_role;
revoke all on public.campaigns from public, anon, authenticated, service_role;
grant select, insert (user_id, name), update (name), delete on public.campaigns to authenticated;
grant select, insert, update, delete on public.campaigns to service_role;
revoke all on public.posts from public, anon, authenticated, service_role;
grant select, insert (user_id, campaign_id, brand_id, content), update (content), delete on public.posts to authenticated;
grant select, insert, update, delete on public.posts to service_role;
