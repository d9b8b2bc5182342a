-- Connections by role
-- Compared with the limit of the server. The pooler keeps idle connections open for reuse.
select
  coalesce(a.usename, '(server)') as role,
  count(*) as connections,
  count(*) filter (where a.state = 'active') as active,
  count(*) filter (where a.state like 'idle in transaction%%') as idle_in_transaction,
  pg_catalog.current_setting('max_connections')::int as of_at_most,
  case
    when sum(count(*)) over () > 0.8 * pg_catalog.current_setting('max_connections')::int then 'nearly all are taken'
  end as note
from pg_catalog.pg_stat_activity a
where a.backend_type = 'client backend'
group by a.usename
order by 2 desc, 1
