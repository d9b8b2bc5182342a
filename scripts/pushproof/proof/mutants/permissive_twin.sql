-- A permissive policy that passes all rows is added: permissive policies are combined with OR.
select
  p.object, p.relation, p.routine,
  lower(p.cmd) || ': a twin that lets everything pass was added' as change,
  format('create policy pushproof_twin on %%s for %%s to %%s', p.place, p.cmd, p.roles_named)
    || case when p.cmd = 'INSERT' then '' else ' using (true)' end
    || case when p.cmd in ('SELECT', 'DELETE') then '' else ' with check (true)' end as break,
  format('drop policy pushproof_twin on %%s', p.place) as mend,
  null as equivalent
from policies p
where p.permissive = 'PERMISSIVE'
