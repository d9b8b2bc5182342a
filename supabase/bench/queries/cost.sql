-- A session's cost, of 1,000 messages
-- sample: long_sessions
-- index: conversation_messages_cost_idx
-- p95: 0.6 ms
-- rest: POST rpc/get_session_cost {"p_session_id": "{session_id}"}
select public.get_session_cost(%(session_id)s)
