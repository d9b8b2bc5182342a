-- Everybody may execute a function, also without signing in: the default for a new function.
select
  f.object, f.relation, f.routine,
  'execute granted to public' || case when f.of_trigger then ', though it is a trigger function' else '' end as change,
  format('grant execute on function %%s to public', f.named) as break,
  format('revoke execute on function %%s from public', f.named) as mend,
  case when f.of_trigger
    then 'a trigger function is no endpoint of the API, and PostgreSQL calls it from triggers alone' end as equivalent
from functions f
where not has_function_privilege('public', f.oid, 'execute')
