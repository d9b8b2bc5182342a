-- Sessions of any length; their users ask.
select s.user_id as caller, s.id as session_id, s.brand_id
from public.conversation_sessions s
where s.user_id = any (coalesce(%(callers)s::uuid[], array[s.user_id]))
order by pg_catalog.md5(s.id::text || %(seed)s)
limit %(count)s
