-- Session settings of the roles, as in a hosted project. They belong to roles, not to the database, because
-- `create database … template …` does not copy settings of a database.

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';

-- `supabase db advisors` asks for the exposed schemas; unset, its security lints stay silent.
alter role postgres set pgrst.db_schemas = 'public';

-- A project configures its REST API by settings of `authenticator`: `alter role authenticator set pgrst.db_pre_request …`.
-- https://docs.postgrest.org/en/v12/references/configuration.html#in-database-configuration
grant authenticator to postgres with admin true, inherit false, set false;
grant set on parameter
  pgrst.db_aggregates_enabled, pgrst.db_extra_search_path, pgrst.db_max_rows, pgrst.db_plan_enabled,
  pgrst.db_pre_request, pgrst.db_root_spec, pgrst.db_schemas, pgrst.db_tx_end, pgrst.openapi_mode
to postgres;
-- supautils.privileged_role_allowed_configs: the first line of every data dump.
grant set on parameter session_replication_role to postgres;
