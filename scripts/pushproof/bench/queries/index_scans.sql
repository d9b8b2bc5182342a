-- Each index of the tables in these schemas: its table's pages, and how often this transaction has scanned it.
select i.oid, i.relname, c.relpages, x.indisprimary, pg_catalog.pg_stat_get_xact_numscans(i.oid)
from pg_catalog.pg_index x
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_class c on c.oid = x.indrelid
where c.relnamespace = any (%(schemas)s::pg_catalog.regnamespace[]) and c.relkind = 'r'
