-- Schemas. `auth` and `extensions` belong to supabase_admin, because `supabase db reset` on a URL drops every schema
-- that it does not own.

create schema auth;
grant all on schema auth to supabase_auth_admin;
grant usage on schema auth to postgres, anon, authenticated, service_role;

create schema extensions;
grant all on schema extensions to postgres;
grant usage on schema extensions to anon, authenticated, service_role;

-- Hosted projects have it, and the config.toml of `supabase init` exposes it.
create schema graphql_public;
grant usage on schema graphql_public to postgres, anon, authenticated, service_role;

-- The schemas of extensions that every hosted project has.
create schema graphql;
create schema vault;
grant usage on schema graphql to postgres, anon, authenticated, service_role;
grant usage on schema vault to postgres, service_role;

grant usage on schema public to postgres, anon, authenticated, service_role;
