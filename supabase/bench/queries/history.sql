-- A session's messages, the newest 50 of 1,000
-- sample: long_sessions
-- index: conversation_messages_history_idx
-- p95: 0.4 ms
-- rest: POST rpc/get_conversation_history {"p_session_id": "{session_id}"}
select * from public.get_conversation_history(%(session_id)s)
