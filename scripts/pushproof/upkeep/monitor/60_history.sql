-- Migrations that were applied last
-- needs: supabase_migrations.schema_migrations
-- enable: `pushproof push`
select version, name, cardinality(statements) as statements
from supabase_migrations.schema_migrations
order by version desc
limit 10
