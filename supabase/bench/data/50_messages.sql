-- A part of the messages, in the order of their time, as they arrive: rows of different sessions are interleaved.
-- Questions of the user and answers of the assistant alternate; answers have a model, tokens, cost and latency.
insert into public.conversation_messages (id, session_id, brand_id, user_id, role, content, tokens_used, model_used,
  provider, cost_usd, latency_ms, action_taken, created_at)
select
  pg_catalog.md5(%(seed)s || p.id::text || k)::uuid, p.id, p.brand_id, p.user_id,
  case when a.answers then 'assistant' when k = 0 and r.draw < 0.1 then 'system' else 'user' end,
  pg_catalog.substr(t.words, 1, 40 + (r.draw * r.draw * 700)::integer),
  case when a.answers then 50 + (r.draw * 2000)::integer end,
  case when a.answers then 'model-' || (pg_catalog.floor(r.draw * 5))::integer end,
  case when a.answers then
    case when r.other < 0.6 then 'openai' when r.other < 0.9 then 'anthropic' when r.other < 0.98 then 'google' else 'mistral' end
  end,
  case when a.answers then pg_catalog.round((r.draw * 0.05)::numeric, 6) end,
  case when a.answers then 300 + (r.other * r.other * 9000)::integer end,
  case when a.answers then (array['asked_questions', 'delegated', 'responded', 'responded'])[1 + pg_catalog.floor(r.other * 4)::integer] end,
  p.began + k * p.pace as created_at
from bench.planned_sessions p
cross join lateral pg_catalog.generate_series(0, p.messages - 1) as k
cross join lateral (select k %% 2 = 1 as answers) as a
cross join lateral (
  select
    (pg_catalog.hashtextextended(p.id::text || k, %(seed)s) & 1048575) / 1048576.0 as draw,
    (pg_catalog.hashtextextended(p.id::text || k, %(seed)s + 1) & 1048575) / 1048576.0 as other
) as r
cross join (select pg_catalog.repeat('A calm spring campaign for the new line, told in three short films. ', 12) as words) as t
where p.began >= pg_catalog.date_trunc('day', now()) - interval '180 days' + %(part)s * interval '180 days' / %(parts)s
  and p.began < pg_catalog.date_trunc('day', now()) - interval '180 days' + (%(part)s + 1) * interval '180 days' / %(parts)s
order by created_at;
