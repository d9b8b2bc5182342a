-- Column privileges of the API roles: none to write an id, none to change a row's owner, creation time or cost.
select
  concat_ws(E'\n',
    'conversation_messages: authenticated: insert: session_id, brand_id, user_id, role, content, tokens_used, model_used, provider, cost_usd, latency_ms, action_taken, questions_asked, delegation_plan, created_at',
    'conversation_messages: authenticated: update: content, action_taken, questions_asked, delegation_plan',
    'conversation_sessions: authenticated: insert: brand_id, user_id, state, parsed_intent, answered_questions, pending_questions, selected_kb_ids, active_task_plan_id, created_at, last_activity_at, completed_at',
    'conversation_sessions: authenticated: update: state, parsed_intent, answered_questions, pending_questions, selected_kb_ids, active_task_plan_id, last_activity_at, completed_at'
  ) as expected,
  (select string_agg(line, E'\n' order by line collate "C") from (
     select format('%s: %s: %s: %s', relname, case grantee when 0 then 'public' else grantee::regrole::text end,
       lower(privilege_type), string_agg(attname, ', ' order by attnum)) as line
     from pg_catalog.pg_class c join pg_catalog.pg_attribute on attrelid = c.oid, aclexplode(attacl)
     where c.oid in (
     to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'),
     to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
       and (grantee = 0 or grantee::regrole::text in ('anon', 'authenticated', 'authenticator', 'service_role'))
     group by relname, grantee, privilege_type
   ) grants) as found;
