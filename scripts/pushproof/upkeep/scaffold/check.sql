-- Row level security is on for every table of schema public.
-- A check is one select with the columns expected and found; `pushproof verify` fails if they differ.
select
  '' as expected,
  (
    select coalesce(string_agg(c.relname, ', ' order by c.relname), '')
    from pg_catalog.pg_class c
    where c.relnamespace = 'public'::regnamespace
      and c.relkind in ('r', 'p')
      and not c.relrowsecurity
      and not exists (
        select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
  ) as found
