-- A function uses its caller's search_path: a caller can make a definer function use the caller's objects.
select
  f.object, f.relation, f.routine,
  'its search_path is no longer pinned' as change,
  format('alter function %%s reset search_path', f.named) as break,
  f.definition as mend,
  case when not f.prosecdef then 'it runs with its caller''s rights, so a shadowed name gains the caller nothing' end as equivalent
from functions f
where exists (select from unnest(f.proconfig) as setting where setting like 'search\_path=%%')
