-- A user's sessions by last activity
-- sample: users
-- index: conversation_sessions_user_idx
-- p95: 0.15 ms
-- rest: GET conversation_sessions?select=id,state,last_activity_at&order=last_activity_at.desc&limit=20
select s.id, s.state, s.last_activity_at
from public.conversation_sessions s
order by s.last_activity_at desc
limit 20
