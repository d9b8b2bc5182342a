-- Constraints of tables and domains as the server writes them, with `not valid`. NOT NULL is a property of columns,
-- a constraint trigger is a trigger. `from` is the constraint of the parent table, for that of a partition.
select 'constraint', o.object || ' ' || pg_catalog.quote_ident(c.conname), p.property, p.value
from pg_catalog.pg_constraint c
join (
  select oid, kind, object, false as is_type from own_relation union all select oid, kind, object, true from own_type
) o on o.oid = greatest(c.conrelid, c.contypid) and o.is_type = (c.conrelid = 0)
left join lateral (
  select f.conrelid, 'constraint ' || r.object || ' ' || pg_catalog.quote_ident(f.conname) as "from"
  from pg_catalog.pg_constraint f
  join own_relation r on r.oid = f.conrelid
  where c.coninhcount > 0 and (
    f.oid = c.conparentid
    or c.conparentid = 0 and f.conname = c.conname
      and f.conrelid in (select i.inhparent from pg_catalog.pg_inherits i where i.inhrelid = c.conrelid)
  )
  limit 1
) parent on true
left join pg_catalog.pg_description note
  on note.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and note.objoid = c.oid and note.objsubid = 0
cross join lateral (values
  ('of', o.kind || ' ' || o.object),
  ('from', parent."from"),
  ('definition', pg_catalog.pg_get_constraintdef(c.oid)),
  ('comment', note.description)
) as p (property, value)
where c.contype not in ('n', 't')
  -- A foreign key to a partitioned table has another row for each partition.
  and parent.conrelid is distinct from c.conrelid
  and p.value is not null
