-- Privileges of the API roles on whole tables and views.
select
  concat_ws(E'\n',
    'conversation_messages: authenticated: delete, select',
    'conversation_messages: service_role: delete, insert, select, update',
    'conversation_sessions: authenticated: delete, select',
    'conversation_sessions: service_role: delete, insert, select, update',
    'daily_message_volume: authenticated: select',
    'daily_message_volume: service_role: select',
    'provider_usage_stats: authenticated: select',
    'provider_usage_stats: service_role: select'
  ) as expected,
  (select string_agg(line, E'\n' order by line collate "C") from (
     select format('%s: %s: %s', relname, case grantee when 0 then 'public' else grantee::regrole::text end,
       string_agg(lower(privilege_type), ', ' order by privilege_type)) as line
     from pg_catalog.pg_class, aclexplode(relacl)
     where oid in (
     to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'),
     to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
       and (grantee = 0 or grantee::regrole::text in ('anon', 'authenticated', 'authenticator', 'service_role'))
     group by relname, grantee
   ) grants) as found;
