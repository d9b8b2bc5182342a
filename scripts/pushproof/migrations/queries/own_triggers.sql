-- The triggers of a table that fire, but for those of foreign keys, and the words that let them fire again.
select t.tgname::text, case t.tgenabled when 'A' then 'enable always' else 'enable' end
from pg_catalog.pg_trigger t
where t.tgrelid = %(table)s::pg_catalog.regclass and not t.tgisinternal and t.tgenabled in ('O', 'A')
order by t.tgname
