-- The triggers of a table that fire, but for those of foreign keys.
select t.tgname::text
from pg_catalog.pg_trigger t
where t.tgrelid = %(table)s::pg_catalog.regclass and not t.tgisinternal and t.tgenabled = 'O'
order by t.tgname
