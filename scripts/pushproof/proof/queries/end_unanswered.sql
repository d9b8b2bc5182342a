-- Requests of the REST API, ended: one of them went on after its client had given up, and which cannot be seen where
-- PostgREST repeats its transaction (SQLSTATE 40001). The others are asked again.
select pg_catalog.pg_terminate_backend(pid)
from pg_catalog.pg_stat_activity
where datname = pg_catalog.current_database()
  and usename = 'authenticator'
  and state <> 'idle'
