-- The enabled triggers of a table, except those of foreign keys, and the keywords that enable each again.
select t.tgname::text, case t.tgenabled when 'A' then 'enable always' else 'enable' end
from pg_catalog.pg_trigger t
where t.tgrelid = %(table)s::pg_catalog.regclass and not t.tgisinternal and t.tgenabled in ('O', 'A')
order by t.tgname
