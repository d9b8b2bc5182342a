-- DDL notifies PostgREST of new tables, as in a hosted project. A transaction delivers equal notifications once, so a
-- migration causes one reload.

create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql as $$
begin
  if exists (
    select from pg_event_trigger_ddl_commands()
    where coalesce(schema_name, '') not in ('auth', 'pg_temp')
      and command_tag ~ '(SCHEMA|TABLE|TABLE AS|VIEW|FUNCTION|TYPE|DOMAIN|RULE|TRIGGER|INTO|COMMENT)$'
  ) then
    notify pgrst, 'reload schema';
  end if;
end $$;

create function extensions.pgrst_drop_watch() returns event_trigger language plpgsql as $$
begin
  if exists (
    select from pg_event_trigger_dropped_objects()
    where not is_temporary
      and coalesce(schema_name, '') <> 'auth'
      and object_type ~ '^(schema|(foreign )?table|(materialized )?view|function|type|rule|trigger)$'
  ) then
    notify pgrst, 'reload schema';
  end if;
end $$;

create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_drop_watch();
