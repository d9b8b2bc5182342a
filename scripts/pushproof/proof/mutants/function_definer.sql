-- A function runs as its owner: policies no longer apply to it.
select
  f.object, f.relation, f.routine,
  'security definer instead of invoker' as change,
  format('alter function %%s security definer', f.named) as break,
  format('alter function %%s security invoker', f.named) as mend,
  null as equivalent
from functions f
where not f.prosecdef
