-- Sessions that never ended and were not touched for so many days, their messages, and the bytes of both.
select count(*) as sessions, coalesce(sum(m.messages), 0)::bigint as messages,
  coalesce(sum(pg_catalog.pg_column_size(s)) + sum(m.bytes), 0)::bigint as bytes, min(s.last_activity_at) as oldest
from public.conversation_sessions s
cross join lateral (
  select count(*) as messages, coalesce(sum(pg_catalog.pg_column_size(m)), 0) as bytes
  from public.conversation_messages m
  where m.session_id = s.id
) as m
where s.state not in ('delivered', 'cancelled') and s.last_activity_at < now() - %(days)s * interval '1 day'
