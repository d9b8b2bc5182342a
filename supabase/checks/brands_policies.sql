-- brands created by migration 029 has row level security and four policies; one that existed before is not checked.
select
  concat_ws(E'\n', 'row level security', 'delete', 'insert', 'select', 'update') as expected,
  (select case when obj_description(oid, 'pg_class') like '%Created by migration 029.'
     then concat_ws(E'\n', case when relrowsecurity then 'row level security' end,
       (select string_agg(lower(cmd), E'\n' order by cmd) from pg_catalog.pg_policies
        where schemaname = 'public' and tablename = 'brands' and roles = '{authenticated}'
          and concat(qual, with_check) like '%owner\_id = ( SELECT auth.uid()%'))
     else concat_ws(E'\n', 'row level security', 'delete', 'insert', 'select', 'update') end
   from pg_catalog.pg_class where oid = to_regclass('public.brands')) as found;
