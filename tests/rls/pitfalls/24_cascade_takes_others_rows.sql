-- Pitfall 24: cascades ignore row level security
-- An attacker gets: other users' comments deleted: they go with the article that the attacker deletes.

create table public.articles (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  title text not null
);
create index articles_user_idx on public.articles (user_id);

create table public.comments (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  article_id uuid not null references public.articles (id) on delete cascade,
  body text not null
);
create index comments_user_idx on public.comments (user_id);
create index comments_article_idx on public.comments (article_id);
alter table public.articles enable row level security;
alter table public.comments enable row level security;
-- Members read everything, and write what is theirs.
create policy articles_own on public.articles for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy articles_read on public.articles for select to authenticated using (true);
create policy comments_own on public.comments for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy comments_read on public.comments for select to authenticated using (true);

revoke all on public.articles from public, anon, authenticated, service_role;
grant select, insert (user_id, title), update (title), delete on public.articles to authenticated;
grant select, insert, update, delete on public.articles to service_role;
revoke all on public.comments from public, anon, authenticated, service_role;
grant select, insert (user_id, article_id, body), update (body), delete on public.comments to authenticated;
grant select, insert, update, delete on public.comments to service_role;
