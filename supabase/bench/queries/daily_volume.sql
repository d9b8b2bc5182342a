-- A user's messages by day
-- sample: users
-- index: conversation_messages_daily_idx
-- rest: GET daily_message_volume?order=date.desc
select * from public.daily_message_volume order by date desc
