-- The roles of a hosted project. `postgres`, which runs migrations, is no superuser here either, so the stack refuses
-- what a hosted project refuses ("must be owner of …"). No role gets a password: each stack sets its own.

create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;

-- What PostgREST logs in as: nothing by itself, it only becomes one of the three.
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;

create role supabase_auth_admin login noinherit createrole;

create role postgres login createdb createrole replication bypassrls;
grant anon, authenticated, service_role to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;

-- Owning the database makes `postgres` the owner of schema public (pg_database_owner).
alter database postgres owner to postgres;
