-- A batch of sessions that were delivered or cancelled more than so many days ago, the oldest first, locked.
select s.id, pg_catalog.clock_timestamp() as at
from public.conversation_sessions s
where s.completed_at < now() - %(days)s * interval '1 day'
order by s.completed_at
limit %(batch)s
for update skip locked
