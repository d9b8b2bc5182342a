-- Lock waits: who waits for whom
-- Normally empty. Look at what the holder does.
select
  w.pid as waits,
  w.usename as role,
  extract(epoch from now() - w.state_change)::int as seconds,
  left(regexp_replace(w.query, '\s+', ' ', 'g'), 60) as statement,
  h.pid as holder,
  h.application_name as application,
  h.state,
  left(regexp_replace(h.query, '\s+', ' ', 'g'), 60) as its_statement
from pg_catalog.pg_stat_activity w
cross join lateral unnest(pg_catalog.pg_blocking_pids(w.pid)) as b (pid)
join pg_catalog.pg_stat_activity h on h.pid = b.pid
where w.datname = pg_catalog.current_database()
order by w.state_change
