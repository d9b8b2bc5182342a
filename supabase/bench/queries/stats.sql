-- A session's statistics by role, of 1,000 messages
-- sample: long_sessions
-- index: conversation_messages_stats_idx
-- rest: POST rpc/get_session_message_stats {"p_session_id": "{session_id}"}
select * from public.get_session_message_stats(%(session_id)s)
