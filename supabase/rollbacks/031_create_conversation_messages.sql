-- Undoes 031. Deletes every message.
drop view public.daily_message_volume, public.provider_usage_stats;
drop function public.get_session_message_stats(uuid), public.get_session_cost(uuid), public.get_conversation_history(uuid, integer);
drop table public.conversation_messages;
drop function public.update_session_on_message(), public.fill_message_owner(), conversation_private.is_own(uuid, uuid, uuid);
drop domain conversation_private.message_role, conversation_private.message_action;
revoke usage on schema conversation_private from authenticated;
