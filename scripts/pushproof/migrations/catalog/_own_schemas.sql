-- The schemas that belong neither to PostgreSQL nor to Supabase nor to an extension.
-- The list is InternalSchemas in pkg/migration/dump.go of supabase/cli, and pgmq_public, which the dashboard makes.
select n.nspname::text
from pg_catalog.pg_namespace n
where n.nspname !~ '^(pg_|_?timescaledb_)'
  and n.nspname not in (
    'information_schema',
    '_analytics', '_realtime', '_supavisor', 'auth', 'etl', 'extensions', 'pgbouncer', 'realtime', 'storage',
    'supabase_functions', 'supabase_migrations',
    'cron', 'dbdev', 'graphql', 'graphql_public', 'net', 'pgmq', 'pgmq_public', 'pgsodium', 'pgsodium_masks', 'pgtle',
    'repack', 'tiger', 'tiger_data', 'topology', 'vault'
  )
  and not exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.objid = n.oid and d.deptype = 'e'
  )
order by 1
