-- Other sessions of this role, busy with a statement sent after a given time: it goes on after its client is gone.
select a.pid
from pg_catalog.pg_stat_activity a
where a.datname = pg_catalog.current_database()
  and a.usename = current_user
  and a.pid <> pg_catalog.pg_backend_pid()
  and a.state <> 'idle'
  and a.query_start >= %(since)s
