-- Sessions of the same role that still work at what was sent after a moment: a server goes on for a client that is gone.
select a.pid
from pg_catalog.pg_stat_activity a
where a.datname = pg_catalog.current_database()
  and a.usename = current_user
  and a.pid <> pg_catalog.pg_backend_pid()
  and a.state <> 'idle'
  and a.query_start >= %(since)s
