-- anon has no privilege on the tables and views, neither by a grant of its own nor through another role.
select
  'nothing' as expected,
  (select coalesce(string_agg(format('%s on %s', privilege, relname), E'\n' order by relname, privilege), 'nothing')
   from pg_catalog.pg_class, unnest(array['select', 'insert', 'update', 'delete']) as privilege
   where oid in (
     to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'),
     to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
     and case privilege when 'delete' then has_table_privilege('anon', oid, privilege)
       else has_any_column_privilege('anon', oid, privilege) end) as found;
