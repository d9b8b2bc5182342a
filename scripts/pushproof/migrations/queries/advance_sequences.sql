-- Advance the sequences of a table's columns to the largest value in the column; none goes back.
select pg_catalog.setval(c.sequence, c.largest)
from (
  select
    pg_catalog.pg_get_serial_sequence(%(table)s, a.attname)::pg_catalog.regclass as sequence,
    (pg_catalog.xpath('/row/m/text()', pg_catalog.query_to_xml(
      pg_catalog.format('select max(%%I) as m from %%s', a.attname, %(table)s::text), false, true, ''
    )))[1]::text::bigint as largest
  from pg_catalog.pg_attribute a
  where a.attrelid = %(table)s::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped
    and a.atttypid in ('int2'::pg_catalog.regtype, 'int4'::pg_catalog.regtype, 'int8'::pg_catalog.regtype)
    and pg_catalog.pg_get_serial_sequence(%(table)s, a.attname) is not null
) c
join pg_catalog.pg_sequence s on s.seqrelid = c.sequence
where s.seqincrement > 0
  and c.largest between s.seqmin and s.seqmax
  and c.largest > coalesce(pg_catalog.pg_sequence_last_value(c.sequence), s.seqmin - 1)
