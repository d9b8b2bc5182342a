-- A batch of sessions that were delivered or cancelled more than so many days ago, the oldest first; messages go with them.
-- Waits for nobody: a session that somebody holds is taken later.
with batch as materialized (
  select s.id
  from public.conversation_sessions s
  where s.completed_at < now() - %(days)s * interval '1 day'
  order by s.completed_at
  limit %(batch)s
  for update skip locked
),
gone as (
  delete from public.conversation_sessions s using batch b where s.id = b.id returning s.id
)
select
  (select count(*) from gone) as deleted,
  (select count(*) from public.conversation_messages m join batch b on b.id = m.session_id) as along
