-- The extensions of a new hosted project that the embedded PostgreSQL has, and two placeholders.

create extension pgcrypto with schema extensions;
create extension "uuid-ossp" with schema extensions;
create extension pg_stat_statements with schema extensions;
create extension pg_graphql with schema graphql;
create extension supabase_vault with schema vault;
