-- The comparison with auth.uid() is removed from a function's body: it serves any caller.
select
  f.object, f.relation, f.routine,
  'its comparison with auth.uid() was removed' as change,
  regexp_replace(
    regexp_replace(f.definition, '[\w."]+\s*(<>|!=|is distinct from)\s*(\(\s*select\s+auth\.uid\(\)\s*\)|auth\.uid\(\))', 'false', 'gi'),
    '[\w."]+\s*=\s*(\(\s*select\s+auth\.uid\(\)\s*\)|auth\.uid\(\))', 'true', 'gi') as break,
  f.definition as mend,
  null as equivalent
from functions f
where f.definition ~* '[\w."]+\s*(=|<>|!=|is distinct from)\s*(\(\s*select\s+auth\.uid\(\)\s*\)|auth\.uid\(\))'
