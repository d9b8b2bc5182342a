-- Sessions by state
-- Retention keeps idle sessions that never ended; `invoke retention --include-idle 90` deletes those idle for 90 days.
-- needs: public.conversation_sessions
-- enable: `pushproof push`
select
  s.state,
  count(*) as sessions,
  count(*) filter (where s.last_activity_at > now() - interval '1 day') as active_today,
  count(*) filter (where s.completed_at is null and s.last_activity_at < now() - interval '7 days') as idle_for_a_week
from public.conversation_sessions s
group by s.state
order by 2 desc, 1
