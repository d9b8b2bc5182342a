-- The users who sign in, for queries by REST: users with a long session.
select s.user_id as caller
from public.conversation_sessions s
join public.conversation_messages m on m.session_id = s.id
group by s.user_id, s.id
having count(*) >= 1000
order by pg_catalog.md5(s.user_id::text || %(seed)s)
limit %(count)s
