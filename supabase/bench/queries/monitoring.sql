-- Everybody's messages and cost of a day by provider
-- as: postgres
-- grows: the day has as many more messages as the table
-- index: conversation_messages_monitoring_idx
select m.provider, count(*), sum(m.cost_usd)
from public.conversation_messages m
where m.created_at >= now() - interval '8 days' and m.created_at < now() - interval '7 days'
group by m.provider
