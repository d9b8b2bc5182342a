-- On tables of auth, storage and realtime a hosted `postgres` may only create and drop policies and triggers
-- (supautils.policy_grants, supautils.drop_trigger_grants): `alter table storage.objects` fails with "must be owner of
-- table objects". PostgreSQL has no such narrow privilege. So `postgres` has the privileges of the owners, and the event
-- triggers here raise an error after any other command.

grant supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin to postgres
  with inherit true, set false;

create function extensions.is_managed(schema_name text) returns boolean language sql immutable set search_path = '' as $$
  select schema_name in ('auth', 'storage', 'realtime')
$$;

-- An event trigger is told no schema of a rule.
create function extensions.schema_of_rule(catalog oid, rule oid) returns text language sql stable set search_path = '' as $$
  select c.relnamespace::regnamespace::text
  from pg_catalog.pg_rewrite r join pg_catalog.pg_class c on c.oid = r.ev_class
  where catalog = 'pg_catalog.pg_rewrite'::regclass and r.oid = rule
$$;

create function extensions.refuse_managed_ddl() returns event_trigger language plpgsql set search_path = '' as $$
declare
  done record;
begin
  for done in
    select * from pg_event_trigger_ddl_commands()
    where extensions.is_managed(coalesce(schema_name, extensions.schema_of_rule(classid, objid)))
      and command_tag !~ '(POLICY|TRIGGER|COMMENT)$'
      and current_user = 'postgres'
  loop
    if done.command_tag like 'ALTER%' or done.command_tag = 'CREATE INDEX' then
      raise 'must be owner of % %', done.object_type, split_part(done.object_identity, '.', 2)
        using errcode = 'insufficient_privilege';
    end if;
    if done.command_tag = 'CREATE RULE' then
      raise 'must be owner of relation %', split_part(done.object_identity, '.', 2)
        using errcode = 'insufficient_privilege';
    end if;
    raise 'permission denied for schema %', done.schema_name using errcode = 'insufficient_privilege';
  end loop;
end $$;

create function extensions.refuse_managed_drop() returns event_trigger language plpgsql set search_path = '' as $$
declare
  dropped record;
begin
  for dropped in
    select * from pg_event_trigger_dropped_objects()
    where original
      and extensions.is_managed(schema_name)
      and object_type not in ('policy', 'trigger')
      and current_user = 'postgres'
  loop
    raise 'must be owner of % %', dropped.object_type, dropped.object_name
      using errcode = 'insufficient_privilege';
  end loop;
end $$;

create event trigger refuse_managed_ddl on ddl_command_end execute function extensions.refuse_managed_ddl();
create event trigger refuse_managed_drop on sql_drop execute function extensions.refuse_managed_drop();
-- In whatever session_replication_role, which `postgres` may set.
alter event trigger refuse_managed_ddl enable always;
alter event trigger refuse_managed_drop enable always;
