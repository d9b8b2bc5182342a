-- A column granted that users could not write so far: what it costs, whose it is, when it began.
select
  format('%%s of %%s.%%s.%%s', v.verb, n.nspname, c.relname, a.attname) as object,
  n.nspname || '.' || c.relname as relation,
  null as routine,
  'granted to authenticated' as change,
  format('grant %%s (%%I) on %%I.%%I to authenticated', v.verb, a.attname, n.nspname, c.relname) as break,
  format('revoke %%s (%%I) on %%I.%%I from authenticated', v.verb, a.attname, n.nspname, c.relname) as mend,
  (
    select 'the policy ' || p.policyname || ' holds the column to the caller''s own id, so no other value can be written'
    from pg_catalog.pg_policies p
    where p.schemaname = n.nspname and p.tablename = c.relname and lower(p.cmd) in (v.verb, 'all')
      and coalesce(p.with_check, p.qual) ~ ('\m' || a.attname || ' = (\( SELECT )?auth\.uid\(\)')
    limit 1
  ) as equivalent
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
cross join unnest(array['insert', 'update']) as v (verb)
where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p') and a.attgenerated = '' and a.attidentity <> 'a'
  and has_any_column_privilege('authenticated', c.oid, v.verb)
  and not has_column_privilege('authenticated', c.oid, a.attnum, v.verb)
