-- Exactly seven functions in public have conversation or session in their name, with these arguments and results.
select
  concat_ws(E'\n',
    'cancel_conversation_session(session_id uuid) returns void',
    'complete_conversation_session(session_id uuid) returns void',
    'get_conversation_history(p_session_id uuid, p_limit integer DEFAULT 50) returns TABLE(id uuid, role character varying, content text, created_at timestamp with time zone, tokens_used integer, model_used character varying)',
    'get_session_cost(p_session_id uuid) returns numeric',
    'get_session_message_stats(p_session_id uuid) returns TABLE(role character varying, message_count bigint, total_tokens bigint, total_cost numeric)',
    'update_session_activity() returns trigger',
    'update_session_on_message() returns trigger'
  ) as expected,
  (select string_agg(format('%s(%s) returns %s', proname, pg_get_function_arguments(oid), pg_get_function_result(oid)), E'\n'
     order by proname, oid)
   from pg_catalog.pg_proc
   where pronamespace = 'public'::regnamespace and (proname like '%conversation%' or proname like '%session%')) as found;
