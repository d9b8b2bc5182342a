-- A privilege is granted to visitors who did not sign in: they get an empty list instead of a refusal, or rows.
select
  format('%%s on %%s', v.verb, c.relation) as object, c.relation, c.routine,
  'granted to anon' as change,
  format('grant %%s on %%s to anon', v.verb, c.place) as break,
  format('revoke %%s on %%s from anon', v.verb, c.place) as mend,
  null as equivalent
from relations c
cross join unnest(array['select', 'insert', 'update', 'delete']) as v (verb)
where (c.is_table or c.relkind in ('v', 'm') and v.verb = 'select')
  and not case v.verb when 'delete' then has_table_privilege('anon', c.oid, v.verb)
    else has_any_column_privilege('anon', c.oid, v.verb) end
  and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
