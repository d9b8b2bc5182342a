-- A session is completed
-- sample: sessions
-- index: conversation_sessions_pkey | conversation_sessions_id_brand_user_key
-- rest: POST rpc/complete_conversation_session {"session_id": "{session_id}"}
select public.complete_conversation_session(%(session_id)s)
