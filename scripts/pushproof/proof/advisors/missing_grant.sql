-- A policy without effect: its role lacks the privilege, so the API refuses the request (the reverse of pitfall 9).
select distinct p.schemaname || '.' || p.tablename as object, 'policy ' || p.policyname || ' is for ' || v.verb || ', which ' || r.rolname || ' may not' as detail
from pg_catalog.pg_policies p
cross join unnest(array['select', 'insert', 'update', 'delete']) as v(verb)
join pg_catalog.pg_roles r on r.rolname in ('anon', 'authenticated') and r.rolname = any (p.roles)
where p.schemaname = any (%(schemas)s) and p.permissive = 'PERMISSIVE' and lower(p.cmd) in (v.verb, 'all')
  and not case v.verb
    when 'delete' then pg_catalog.has_table_privilege(r.oid, pg_catalog.format('%%I.%%I', p.schemaname, p.tablename)::pg_catalog.regclass, v.verb)
    else pg_catalog.has_any_column_privilege(r.oid, pg_catalog.format('%%I.%%I', p.schemaname, p.tablename)::pg_catalog.regclass, v.verb)
  end
order by 1, 2
