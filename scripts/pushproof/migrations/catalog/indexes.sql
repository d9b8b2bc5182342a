-- Indexes, without those of constraints. `from` is the index of the parent table, for that of a partition.
select 'index', r.object || ' ' || pg_catalog.quote_ident(c.relname), p.property, p.value
from own_relation r
join pg_catalog.pg_index i on i.indrelid = r.oid
join pg_catalog.pg_class c on c.oid = i.indexrelid
left join pg_catalog.pg_description note
  on note.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and note.objoid = c.oid and note.objsubid = 0
cross join lateral (values
  ('of', r.kind || ' ' || r.object),
  ('from', (
    select 'index ' || fr.object || ' ' || pg_catalog.quote_ident(fc.relname)
    from pg_catalog.pg_inherits h
    join pg_catalog.pg_class fc on fc.oid = h.inhparent
    join pg_catalog.pg_index fi on fi.indexrelid = fc.oid
    join own_relation fr on fr.oid = fi.indrelid
    where h.inhrelid = c.oid
  )),
  ('definition', pg_catalog.pg_get_indexdef(c.oid)),
  ('valid', case when i.indisvalid and i.indisready then 'yes' else 'no' end),
  ('comment', note.description)
) as p (property, value)
where p.value is not null
  and not exists (select from pg_catalog.pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u', 'x'))
