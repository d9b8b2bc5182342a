-- A policy is dropped: users lose access, or gain access if the policy is restrictive.
select
  p.object, p.relation, p.routine,
  'it was dropped' as change,
  format('drop policy %%s', p.named) as break,
  format('create policy %%s as %%s for %%s to %%s', p.named, p.permissive, p.cmd, p.roles_named)
    || coalesce(' using (' || p.qual || ')', '') || coalesce(' with check (' || p.with_check || ')', '')
    || coalesce(p.comment, '') as mend,
  null as equivalent
from policies p
