-- Tables and foreign tables, without the parts that have their own files. The order of columns is left out: a table
-- made by `create table` and one extended by `add column` are equivalent.
select r.kind, r.object, p.property, p.value
from own_relation r
join pg_catalog.pg_class c on c.oid = r.oid
left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
left join pg_catalog.pg_am m on m.oid = c.relam and m.amname <> 'heap'
left join pg_catalog.pg_foreign_table f on f.ftrelid = r.oid
left join pg_catalog.pg_foreign_server fs on fs.oid = f.ftserver
cross join lateral (values
  ('row level security', case when c.relkind = 'f' then null when c.relrowsecurity then 'enabled' else 'disabled' end),
  ('force row level security', case when c.relkind = 'f' then null when c.relforcerowsecurity then 'forced'
    else 'not forced' end),
  ('persistence', case c.relpersistence when 'u' then 'unlogged' end),
  ('options', (
    select string_agg(o, ', ' order by o)
    from (select unnest(c.reloptions) union all select 'toast.' || unnest(t.reloptions)) as o (o)
  )),
  ('replica identity', case when c.relkind <> 'f' then case c.relreplident when 'f' then 'full' when 'n' then 'nothing'
    when 'i' then (
    select 'index ' || i.indexrelid::pg_catalog.regclass from pg_catalog.pg_index i
    where i.indrelid = r.oid and i.indisreplident
  ) end end),
  ('clustered on', (
    select i.indexrelid::pg_catalog.regclass::text
    from pg_catalog.pg_index i where i.indrelid = r.oid and i.indisclustered
  )),
  ('partitioned by', pg_catalog.pg_get_partkeydef(r.oid)),
  (case when c.relispartition then 'partition of' else 'inherits' end, (
    select string_agg(
      concat_ws(' ', i.inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, r.oid)),
      ', ' order by i.inhseqno
    )
    from pg_catalog.pg_inherits i where i.inhrelid = r.oid
  )),
  ('of type', nullif(c.reloftype, 0)::pg_catalog.regtype::text),
  ('access method', m.amname::text),
  ('server', pg_catalog.quote_ident(fs.srvname)),
  ('foreign options', array_to_string(f.ftoptions, ', '))
) as p (property, value)
where r.relkind in ('r', 'p', 'f') and p.value is not null
