-- Signed-in users and the secret key may execute the functions, nobody else; nobody may execute the trigger functions.
select
  concat_ws(E'\n',
    'cancel_conversation_session: authenticated, service_role',
    'complete_conversation_session: authenticated, service_role',
    'fill_message_owner: ',
    'get_conversation_history: authenticated, service_role',
    'get_session_cost: authenticated, service_role',
    'get_session_message_stats: authenticated, service_role',
    'is_own: authenticated',
    'update_session_activity: ',
    'update_session_on_message: '
  ) as expected,
  (select string_agg(concat_ws(': ', proname, array_to_string(array(
     select role from unnest(array['anon', 'authenticated', 'service_role']) as role where has_function_privilege(role, f.oid, 'execute')
   ), ', ')), E'\n' order by proname)
   from pg_catalog.pg_proc f where pronamespace in ('public'::regnamespace, to_regnamespace('conversation_private'))
     and (proname like '%conversation%' or proname like '%session%' or proname in ('fill_message_owner', 'is_own'))) as found;
