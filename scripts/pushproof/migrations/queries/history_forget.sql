-- Remove a migration that was undone from the history.
delete from supabase_migrations.schema_migrations where version = %(version)s
