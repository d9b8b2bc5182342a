-- Whether the CLI has ever pushed to this database.
select pg_catalog.to_regclass('supabase_migrations.schema_migrations') is not null
