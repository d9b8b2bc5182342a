-- End all running requests of the REST API: one of them continued after its client gave up. While PostgREST repeats a
-- transaction (SQLSTATE 40001), nothing shows which one. The client repeats the others.
select pg_catalog.pg_terminate_backend(pid)
from pg_catalog.pg_stat_activity
where datname = pg_catalog.current_database()
  and usename = 'authenticator'
  and state <> 'idle'
