-- Retention of ten sessions, their messages with them
-- as: postgres
-- index: conversation_sessions_completed_idx
with batch as materialized (
  select s.id
  from public.conversation_sessions s
  where s.completed_at < now() - interval '90 days'
  order by s.completed_at
  limit 10
  for update skip locked
)
delete from public.conversation_sessions s using batch b where s.id = b.id
