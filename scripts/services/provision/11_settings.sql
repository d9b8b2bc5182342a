-- Session settings of the roles, as hosted. They hang on roles, not on the database:
-- `create database … template …` copies no database settings.

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
