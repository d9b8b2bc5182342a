-- Takes a migration that was undone out of the history.
delete from supabase_migrations.schema_migrations where version = %(version)s
