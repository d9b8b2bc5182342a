-- Sessions of 1,000 messages; their users ask.
select m.user_id as caller, m.session_id
from public.conversation_messages m
where m.user_id = any (coalesce(%(callers)s::uuid[], array[m.user_id]))
group by m.user_id, m.session_id
having count(*) >= 1000
order by pg_catalog.md5(m.session_id::text || %(seed)s)
limit %(count)s
