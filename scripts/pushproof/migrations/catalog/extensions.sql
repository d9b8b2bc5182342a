-- Extensions, without those that a project has or lacks by its age, whatever its migrations say. Not their versions:
-- the platform chooses them.
select 'extension', pg_catalog.quote_ident(e.extname), 'schema', e.extnamespace::pg_catalog.regnamespace::text
from pg_catalog.pg_extension e
where e.extname not in (
  'pg_graphql', 'pg_stat_statements', 'pgjwt', 'pgsodium', 'plpgsql', 'supabase_vault'
)
