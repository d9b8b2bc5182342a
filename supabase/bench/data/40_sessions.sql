-- Sessions as the application leaves them: four out of five finished, most of those delivered.
insert into public.conversation_sessions (id, brand_id, user_id, state, created_at, last_activity_at, completed_at)
select p.id, p.brand_id, p.user_id,
  case
    when p.fate < 0.7 then 'delivered'
    when p.finished then 'cancelled'
    else (array['initial', 'gathering', 'clarifying', 'planning', 'confirming', 'processing', 'verifying'])[
      1 + pg_catalog.floor(p.fate * 1000)::integer %% 7]
  end,
  p.began, p.began + p.messages * p.pace,
  case when p.finished then p.began + p.messages * p.pace end
from bench.planned_sessions p
order by p.began;
