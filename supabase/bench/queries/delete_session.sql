-- A session is deleted, its messages with it
-- sample: sessions
-- index: conversation_messages_history_idx | conversation_messages_stats_idx
delete from public.conversation_sessions where id = %(session_id)s
