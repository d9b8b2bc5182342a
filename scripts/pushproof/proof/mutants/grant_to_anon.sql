-- A privilege for visitors who did not sign in: an empty list instead of a refusal, or everybody's rows.
select
  format('%%s on %%s.%%s', v.verb, n.nspname, c.relname) as object,
  n.nspname || '.' || c.relname as relation,
  null as routine,
  'granted to anon' as change,
  format('grant %%s on %%I.%%I to anon', v.verb, n.nspname, c.relname) as break,
  format('revoke %%s on %%I.%%I from anon', v.verb, n.nspname, c.relname) as mend,
  null as equivalent
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join unnest(array['select', 'insert', 'update', 'delete']) as v (verb)
where n.nspname = any (%(schemas)s)
  and (c.relkind in ('r', 'p') or c.relkind in ('v', 'm') and v.verb = 'select')
  and not case v.verb when 'delete' then has_table_privilege('anon', c.oid, v.verb)
    else has_any_column_privilege('anon', c.oid, v.verb) end
  and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
