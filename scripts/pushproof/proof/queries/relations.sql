-- The tables, partitions, views, materialized views and foreign tables outside of Supabase's own schemas.
-- `updatable`: bits of the verbs that a view supports, by itself or by a trigger. `sources`: relations that a view
-- reads. `rights`: privileges of the API's roles on the relation or on one of its columns.
select
  c.oid::bigint as oid,
  n.nspname as schema,
  c.relname as name,
  c.relkind::text as kind,
  c.relispartition as partition,
  c.relrowsecurity as rls,
  pg_catalog.pg_relation_is_updatable(c.oid, true) as updatable,
  array(
    select distinct sn.nspname || '.' || s.relname
    from pg_catalog.pg_rewrite w
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      and d.objid = w.oid
      and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    join pg_catalog.pg_class s on s.oid = d.refobjid
    join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
    where w.ev_class = c.oid and s.oid <> c.oid
  ) as sources,
  array(
    select r.rolname || ' ' || v.verb
    from pg_catalog.pg_roles r, unnest(array['select', 'insert', 'update', 'delete', 'truncate']) as v(verb)
    where r.rolname in ('anon', 'authenticated', 'service_role')
      and case v.verb
        when 'delete' then pg_catalog.has_table_privilege(r.oid, c.oid, v.verb)
        when 'truncate' then pg_catalog.has_table_privilege(r.oid, c.oid, v.verb)
        else pg_catalog.has_any_column_privilege(r.oid, c.oid, v.verb)
      end
  ) as rights
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname !~ '^pg_'
  and n.nspname <> all (%(internal)s)
  and not exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e'
  )
order by 2, 3
