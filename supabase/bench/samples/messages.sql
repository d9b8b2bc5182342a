-- Messages; their users ask.
select m.user_id as caller, m.id as message_id
from public.conversation_messages m
where m.user_id = any (coalesce(%(callers)s::uuid[], array[m.user_id]))
order by pg_catalog.md5(m.id::text || %(seed)s)
limit %(count)s
