-- A batch of sessions that never ended and were not touched for so many days, the oldest first, locked.
select s.id, pg_catalog.clock_timestamp() as at
from public.conversation_sessions s
where s.state not in ('delivered', 'cancelled') and s.last_activity_at < now() - %(days)s * interval '1 day'
order by s.last_activity_at
limit %(batch)s
for update skip locked
