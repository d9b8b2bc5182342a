-- Undoes 030. Deletes every session. Fails while messages refer to sessions: roll 031 back first.
drop table public.conversation_sessions;
drop function public.cancel_conversation_session(uuid), public.complete_conversation_session(uuid), public.update_session_activity();
drop domain conversation_private.open_state, conversation_private.finished_state;
drop schema conversation_private;
