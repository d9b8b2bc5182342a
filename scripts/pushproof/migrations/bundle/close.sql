notify pgrst, 'reload schema';
commit;

select version, name from supabase_migrations.schema_migrations where version = any({bundled}) order by version;
