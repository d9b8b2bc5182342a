-- A user's usage of each provider over 30 days
-- sample: users
-- index: conversation_messages_provider_idx
-- rest: GET provider_usage_stats
select * from public.provider_usage_stats
