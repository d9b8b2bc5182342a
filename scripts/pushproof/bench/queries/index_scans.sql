-- How often this transaction has read each index of the API's tables so far, and the pages of its table.
select i.oid, i.relname, c.relpages, x.indisprimary, pg_catalog.pg_stat_get_xact_numscans(i.oid)
from pg_catalog.pg_index x
join pg_catalog.pg_class i on i.oid = x.indexrelid
join pg_catalog.pg_class c on c.oid = x.indrelid
where c.relnamespace = any (%(schemas)s::pg_catalog.regnamespace[]) and c.relkind = 'r'
