-- The holder of the push lock, as far as the server knows it.
select pg_catalog.format(
  '%s of %s%s, since %s',
  coalesce(nullif(a.application_name, ''), 'a session'), a.usename, ' at ' || pg_catalog.host(a.client_addr),
  pg_catalog.to_char(a.backend_start, 'HH24:MI:SS')
)
from pg_catalog.pg_locks l
join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and (l.classid::bigint << 32 | l.objid::bigint) = pg_catalog.hashtextextended('pushproof push', 0)
  and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
