-- What the CLI recorded of each applied migration.
select version, coalesce(name, ''), coalesce(statements, '{}')
from supabase_migrations.schema_migrations
order by version
