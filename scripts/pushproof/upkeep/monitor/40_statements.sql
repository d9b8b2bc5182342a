-- Statements that took most of the time
-- In this database, since pg_stat_statements was last reset, without constants.
-- needs: extensions.pg_stat_statements
-- enable: create extension pg_stat_statements with schema extensions
select
  s.calls,
  round(s.total_exec_time::numeric / 1000, 1) as seconds,
  round(s.mean_exec_time::numeric, 2) as mean_ms,
  round(s.max_exec_time::numeric, 1) as max_ms,
  r.rolname as role,
  left(regexp_replace(s.query, '\s+', ' ', 'g'), 100) as statement
from extensions.pg_stat_statements s
join pg_catalog.pg_roles r on r.oid = s.userid
where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
order by s.total_exec_time desc
limit 10
