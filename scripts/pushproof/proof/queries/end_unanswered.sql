-- Requests of the REST API that went on after their client had given up: a function may catch the end of its time.
select pg_catalog.pg_terminate_backend(pid)
from pg_catalog.pg_stat_activity
where datname = pg_catalog.current_database()
  and usename = 'authenticator'
  and state = 'active'
  and query_start < pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => %(seconds)s)
