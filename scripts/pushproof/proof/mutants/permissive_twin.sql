-- One more permissive policy that lets everybody through: permissive policies are joined by OR.
select
  format('policy %%s on %%s.%%s', p.policyname, p.schemaname, p.tablename) as object,
  p.schemaname || '.' || p.tablename as relation,
  null as routine,
  lower(p.cmd) || ': a twin that lets everything pass was added' as change,
  format('create policy pushproof_twin on %%I.%%I for %%s to %%s', p.schemaname, p.tablename, p.cmd,
    array_to_string(array(select quote_ident(role) from unnest(p.roles) as role), ', '))
    || case when p.cmd = 'INSERT' then '' else ' using (true)' end
    || case when p.cmd in ('SELECT', 'DELETE') then '' else ' with check (true)' end as break,
  format('drop policy pushproof_twin on %%I.%%I', p.schemaname, p.tablename) as mend,
  null as equivalent
from pg_catalog.pg_policies p
where p.schemaname = any (%(schemas)s) and p.permissive = 'PERMISSIVE'
