-- A function that runs as its owner: policies no longer bind what it does.
select
  f.object, f.relation, f.routine,
  'security definer instead of invoker' as change,
  format('alter function %%s security definer', f.named) as break,
  format('alter function %%s security invoker', f.named) as mend,
  null as equivalent
from functions f
where not f.prosecdef
