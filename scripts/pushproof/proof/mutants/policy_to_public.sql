-- A policy for signed-in users opened to everybody: visitors are asked for their id, and may be let in.
select
  format('policy %%s on %%s.%%s', p.policyname, p.schemaname, p.tablename) as object,
  p.schemaname || '.' || p.tablename as relation,
  null as routine,
  lower(p.cmd) || ': to public instead of to authenticated' as change,
  format('alter policy %%I on %%I.%%I to public', p.policyname, p.schemaname, p.tablename) as break,
  format('alter policy %%I on %%I.%%I to authenticated', p.policyname, p.schemaname, p.tablename) as mend,
  case when not has_any_column_privilege('anon', t.oid, 'select, insert, update')
      and not has_table_privilege('anon', t.oid, 'select, insert, update, delete')
    then 'anon holds no privilege on the table, so its policies are never asked for anon; service_role bypasses them'
  end as equivalent
from pg_catalog.pg_policies p
cross join lateral (select format('%%I.%%I', p.schemaname, p.tablename)::regclass::oid as oid) t
where p.schemaname = any (%(schemas)s) and p.roles = '{authenticated}'
