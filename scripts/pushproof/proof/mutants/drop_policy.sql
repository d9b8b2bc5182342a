-- A policy dropped: its owner loses access, or with a restrictive one everybody gains some.
select
  format('policy %%s on %%s.%%s', p.policyname, p.schemaname, p.tablename) as object,
  p.schemaname || '.' || p.tablename as relation,
  null as routine,
  'it was dropped' as change,
  format('drop policy %%I on %%I.%%I', p.policyname, p.schemaname, p.tablename) as break,
  format('create policy %%I on %%I.%%I as %%s for %%s to %%s', p.policyname, p.schemaname, p.tablename, p.permissive, p.cmd,
      array_to_string(array(select quote_ident(role) from unnest(p.roles) as role), ', '))
    || coalesce(' using (' || p.qual || ')', '') || coalesce(' with check (' || p.with_check || ')', '')
    || coalesce((
      select format('; comment on policy %%I on %%I.%%I is %%L', p.policyname, p.schemaname, p.tablename, d.description)
      from pg_catalog.pg_policy o join pg_catalog.pg_description d on d.objoid = o.oid and d.classoid = 'pg_catalog.pg_policy'::regclass
      where o.polname = p.policyname and o.polrelid = format('%%I.%%I', p.schemaname, p.tablename)::regclass
    ), '') as mend,
  null as equivalent
from pg_catalog.pg_policies p
where p.schemaname = any (%(schemas)s)
