-- What the application calls, without a thought for how it is answered.

create function public.complete_conversation_session(session_id uuid) returns void
language sql set search_path = '' as $$
  update public.conversation_sessions set state = 'delivered', completed_at = now() where id = $1;
$$;

create function public.get_conversation_history(p_session_id uuid, p_limit integer default 50)
returns table (id uuid, role varchar, content text, created_at timestamptz, tokens_used integer, model_used varchar)
language sql stable set search_path = '' as $$
  select m.id, m.role, m.content, m.created_at, m.tokens_used, m.model_used
  from public.conversation_messages m
  where m.session_id = p_session_id
  order by m.created_at desc
  limit p_limit;
$$;

create function public.get_session_cost(p_session_id uuid) returns numeric
language sql stable set search_path = '' as $$
  select coalesce(sum(cost_usd), 0) from public.conversation_messages where session_id = p_session_id;
$$;

create function public.get_session_message_stats(p_session_id uuid)
returns table (role varchar, message_count bigint, total_tokens bigint, total_cost numeric)
language sql stable set search_path = '' as $$
  select m.role, count(*), sum(m.tokens_used), sum(m.cost_usd)
  from public.conversation_messages m where m.session_id = p_session_id group by m.role;
$$;

grant execute on all functions in schema public to authenticated, service_role;

create view public.provider_usage_stats with (security_invoker = true) as
  select user_id, provider, count(*) as request_count, sum(tokens_used) as total_tokens, sum(cost_usd) as total_cost,
    avg(latency_ms) as avg_latency_ms, min(created_at) as first_use, max(created_at) as last_use
  from public.conversation_messages
  where provider is not null and created_at >= now() - interval '30 days'
  group by user_id, provider;

create view public.daily_message_volume with (security_invoker = true) as
  select user_id, created_at::date as date, count(*) as message_count,
    count(*) filter (where role = 'user') as user_messages, count(*) filter (where role = 'assistant') as assistant_messages,
    sum(tokens_used) as total_tokens, sum(cost_usd) as total_cost
  from public.conversation_messages
  group by user_id, created_at::date;

grant select on public.provider_usage_stats, public.daily_message_volume to authenticated, service_role;
