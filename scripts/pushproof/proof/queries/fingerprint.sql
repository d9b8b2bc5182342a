-- A digest of everything that a mutant can change, which shows whether a mended database is restored.
select md5(string_agg(fact, E'\n' order by fact collate "C"))
from (
  select concat_ws('|', 'policy', p.*, (
    select d.description from pg_catalog.pg_description d join pg_catalog.pg_policy o on o.oid = d.objoid
    where d.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass and o.polname = p.policyname
      and o.polrelid = pg_catalog.format('%%I.%%I', p.schemaname, p.tablename)::pg_catalog.regclass
  )) as fact
  from pg_catalog.pg_policies p where p.schemaname = any (%(schemas)s)
  union all
  select concat_ws('|', 'relation', c.oid, c.relrowsecurity, c.relforcerowsecurity, (
    select string_agg(o, ',' order by o) from unnest(c.reloptions) as o
  ), (
    select string_agg(a::text, ',' order by a::text) from unnest(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) as a
  ), (
    select string_agg(concat(t.attname, x), ',' order by t.attname, x::text)
    from pg_catalog.pg_attribute t, unnest(t.attacl) as x where t.attrelid = c.oid
  ))
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select concat_ws('|', 'function', p.oid, pg_catalog.pg_get_functiondef(p.oid), (
    select string_agg(a::text, ',' order by a::text) from unnest(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as a
  ))
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname = any (%(schemas)s) and p.prokind in ('f', 'p')
  union all
  select concat_ws('|', 'constraint', c.conrelid, c.conname, pg_catalog.pg_get_constraintdef(c.oid), c.convalidated)
  from pg_catalog.pg_constraint c join pg_catalog.pg_namespace n on n.oid = c.connamespace where n.nspname = any (%(schemas)s)
  union all
  select concat_ws('|', 'trigger', t.tgrelid, t.tgname, t.tgenabled)
  from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = any (%(schemas)s) and not t.tgisinternal
) facts
