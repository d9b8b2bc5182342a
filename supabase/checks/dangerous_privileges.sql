-- No API role may truncate the tables (row level security does not apply to it), reference them or create triggers on them.
select
  'none' as expected,
  (select coalesce(string_agg(format('%s: %s on %s', role, privilege, relname), E'\n' order by role, relname, privilege), 'none')
   from pg_catalog.pg_class, unnest(array['truncate', 'references', 'trigger']) as privilege,
     unnest(array['anon', 'authenticated', 'authenticator', 'service_role']) as role
   where oid in (
     to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'),
     to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
     and (has_table_privilege(role, oid, privilege)
       or privilege = 'references' and has_any_column_privilege(role, oid, privilege))) as found;
