-- A trigger on auth.users that copies metadata that users write when they sign up.
select distinct pn.nspname || '.' || p.proname as object, 'it copies user_metadata key ' || k.found[1] as detail
from pg_catalog.pg_trigger t
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
cross join lateral pg_catalog.regexp_matches(p.prosrc, 'raw_user_meta_data\s*->>?\s*''(\w+)''', 'g') as k(found)
where t.tgrelid = 'auth.users'::pg_catalog.regclass and not t.tgisinternal and pn.nspname = any (%(schemas)s)
order by 1, 2
