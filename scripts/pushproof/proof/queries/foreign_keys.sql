-- The foreign keys outside of Supabase's own schemas: table, columns, and the target's table and columns.
-- Keys that set their columns to null or a default are left out: they do not prevent a delete.
select
  pg_catalog.format('%%I.%%I', n.nspname, c.relname) as relation,
  array(
    select a.attname::text from unnest(k.conkey) with ordinality as u(number, place)
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number order by u.place
  ) as columns,
  pg_catalog.format('%%I.%%I', tn.nspname, t.relname) as target,
  array(
    select a.attname::text from unnest(k.confkey) with ordinality as u(number, place)
    join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number order by u.place
  ) as target_columns
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class t on t.oid = k.confrelid
join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where k.contype = 'f'
  and k.confdeltype in ('a', 'r', 'c')
  and k.conparentid = 0
  and n.nspname <> all (%(internal)s)
