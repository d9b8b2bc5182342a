-- A batch of sessions that never ended and were not touched for so many days, the oldest first; messages go with them.
with batch as materialized (
  select s.id
  from public.conversation_sessions s
  where s.state not in ('delivered', 'cancelled') and s.last_activity_at < now() - %(days)s * interval '1 day'
  order by s.last_activity_at
  limit %(batch)s
  for update skip locked
),
gone as (
  delete from public.conversation_sessions s using batch b where s.id = b.id returning s.id
)
select
  (select count(*) from gone) as deleted,
  (select count(*) from public.conversation_messages m join batch b on b.id = m.session_id) as along
