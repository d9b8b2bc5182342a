-- Messages and cost by day and provider
-- The last fourteen days, of all users.
-- needs: public.conversation_messages
-- enable: `pushproof push`
select
  (m.created_at at time zone 'UTC')::date as day,
  m.provider,
  count(*) as messages,
  coalesce(sum(m.tokens_used), 0) as tokens,
  coalesce(sum(m.cost_usd), 0) as cost_usd
from public.conversation_messages m
where m.created_at >= now() - interval '14 days'
group by 1, 2
order by 1 desc, 2
