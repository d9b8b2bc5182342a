-- One to three brands per user.
insert into public.brands (id, owner_id, name)
select pg_catalog.md5(%(seed)s || ' brand ' || n || ' ' || b)::uuid, pg_catalog.md5(%(seed)s || ' user ' || n)::uuid,
  'Brand ' || n || '-' || b
from pg_catalog.generate_series(%(first)s * 10, %(last)s * 10 + 9) as n, pg_catalog.generate_series(0, n %% 3) as b;
