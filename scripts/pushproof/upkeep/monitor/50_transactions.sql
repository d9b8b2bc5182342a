-- Transactions that are open for long
-- More than ten seconds. An idle one still holds its locks and keeps vacuum from removing dead rows.
select
  a.pid,
  a.usename as role,
  a.application_name as application,
  a.state,
  extract(epoch from now() - a.xact_start)::int as seconds,
  left(regexp_replace(a.query, '\s+', ' ', 'g'), 80) as statement,
  case when a.state like 'idle in transaction%%' then 'idle' end as note
from pg_catalog.pg_stat_activity a
where a.xact_start < now() - interval '10 seconds'
  and a.datname = pg_catalog.current_database()
  and a.pid <> pg_catalog.pg_backend_pid()
  and a.backend_type = 'client backend'
order by a.xact_start
