-- The extensions every hosted project starts with, as far as the embedded PostgreSQL ships them.

create extension pgcrypto with schema extensions;
create extension "uuid-ossp" with schema extensions;
create extension pg_stat_statements with schema extensions;
create extension pg_graphql with schema graphql;
create extension supabase_vault with schema vault;
