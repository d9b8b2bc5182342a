-- A comment outlives its article.
alter table public.comments
  alter column article_id drop not null,
  drop constraint comments_article_id_fkey,
  add constraint comments_article_id_fkey foreign key (article_id) references public.articles (id) on delete set null;
