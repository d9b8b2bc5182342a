-- Extensions, except those that depend on the age of a project and not on its migrations. Versions are left out,
-- because the platform chooses them.
select 'extension', pg_catalog.quote_ident(e.extname), 'schema', e.extnamespace::pg_catalog.regnamespace::text
from pg_catalog.pg_extension e
where e.extname not in (
  'pg_graphql', 'pg_stat_statements', 'pgjwt', 'pgsodium', 'plpgsql', 'supabase_vault'
)
