-- Lets the sequences behind a table's columns go on after the largest value there.
select pg_catalog.setval(s.sequence::pg_catalog.regclass, s.largest)
from (
  select
    pg_catalog.pg_get_serial_sequence(%(table)s, a.attname) as sequence,
    (pg_catalog.xpath('/row/m/text()', pg_catalog.query_to_xml(
      pg_catalog.format('select max(%%I) as m from %%s', a.attname, %(table)s::text), false, true, ''
    )))[1]::text::bigint as largest
  from pg_catalog.pg_attribute a
  where a.attrelid = %(table)s::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped
    and pg_catalog.pg_get_serial_sequence(%(table)s, a.attname) is not null
) s
where s.largest is not null
