-- Sequences, including those of serial and identity columns. Their current values are data and left out.
select r.kind, r.object, p.property, p.value
from own_relation r
join pg_catalog.pg_class c on c.oid = r.oid
join pg_catalog.pg_sequence s on s.seqrelid = r.oid
cross join lateral (values
  ('type', s.seqtypid::pg_catalog.regtype::text),
  ('start', s.seqstart::text),
  ('increment', s.seqincrement::text),
  ('bounds', s.seqmin || ' to ' || s.seqmax),
  ('cache', s.seqcache::text),
  ('cycle', case when s.seqcycle then 'yes' else 'no' end),
  ('owned by', case when r.of like 'column %%' then r.of end),
  ('persistence', case c.relpersistence when 'u' then 'unlogged' end)
) as p (property, value)
where p.value is not null
