-- The applied migrations as the CLI recorded them.
select version, coalesce(name, ''), coalesce(statements, '{}')
from supabase_migrations.schema_migrations
order by version
