-- The messages of a session, and what they cost.
-- pushproof: ignore-file squawk/ban-create-domain-with-constraint: no column has these domains, so no rows are read

create domain conversation_private.message_role as text check (value = any ('{user,assistant,system}'));
create domain conversation_private.message_action as text
  check (value = any ('{asked_questions,delegated,responded,error}'));

create table public.conversation_messages (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null,
  brand_id uuid not null references public.brands (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role varchar(20) not null,
  content text not null,
  tokens_used integer,
  model_used varchar(100),
  provider varchar(50),
  cost_usd numeric(10, 6),
  latency_ms integer,
  action_taken varchar(30),
  questions_asked jsonb,
  delegation_plan jsonb,
  created_at timestamptz not null default now(),
  constraint conversation_messages_role_check check (role::conversation_private.message_role is not null),
  constraint conversation_messages_action_check check (
    action_taken is null or action_taken::conversation_private.message_action is not null
  ),
  constraint conversation_messages_tokens_check check (tokens_used >= 0),
  constraint conversation_messages_cost_check check (cost_usd >= 0.0),
  constraint conversation_messages_latency_check check (latency_ms >= 0),
  -- Holds for every role and follows the session if it moves. The only reference to sessions:
  -- with a second one the API could no longer embed messages in a session (PGRST201).
  constraint conversation_messages_session_fkey foreign key (session_id, brand_id, user_id)
    references public.conversation_sessions (id, brand_id, user_id) on delete cascade on update cascade
)
-- Reading from an index alone works as far as vacuum has been: after 2% of new rows, not 20%.
-- What an answer led to is noted later: where a page has room for that, the eight indexes need not be written again.
with (autovacuum_vacuum_insert_scale_factor = 0.02, fillfactor = 90);

-- Those of a session carry user_id although session_id implies it: the policy asks for both, and the planner,
-- taking them for independent, would otherwise combine two indexes and read the session's rows one by one.
-- A page of a session's history; deletion of a session.
create index conversation_messages_history_idx on public.conversation_messages (session_id, user_id, created_at desc, id desc);
-- A session's cost, from the index alone.
create index conversation_messages_cost_idx on public.conversation_messages (session_id, user_id) include (cost_usd)
  where cost_usd is not null;
-- A session's statistics by role, likewise.
create index conversation_messages_stats_idx on public.conversation_messages (session_id, user_id, role)
  include (tokens_used, cost_usd);
-- A user's daily volume; deletion of a user.
create index conversation_messages_daily_idx on public.conversation_messages (user_id, created_at)
  include (role, tokens_used, cost_usd);
-- A user's provider usage over 30 days.
create index conversation_messages_provider_idx on public.conversation_messages (user_id, created_at)
  include (provider, tokens_used, cost_usd, latency_ms) where provider is not null;
-- Deletion of a brand.
create index conversation_messages_brand_idx on public.conversation_messages (brand_id);
-- Monitoring: everybody's messages and cost by day and provider.
create index conversation_messages_monitoring_idx on public.conversation_messages (created_at)
  include (provider, tokens_used, cost_usd);

alter table public.conversation_messages enable row level security;

-- Not in public: whoever could call it through the API would learn whose a session is.
grant usage on schema conversation_private to authenticated;

create function conversation_private.is_own(p_session_id uuid, p_brand_id uuid, p_user_id uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return exists (
    select from public.conversation_sessions s join public.brands b on b.id = s.brand_id and b.owner_id = s.user_id
    where s.id = p_session_id and s.brand_id = p_brand_id and s.user_id = p_user_id
  );
end $$;

comment on function conversation_private.is_own(uuid, uuid, uuid) is
  'Security definer: a new message asks whether its session is its user''s, and the brand still theirs. As the caller, or '
  'written into the policy, the policies of both tables would read the token again and be planned for every message.';

revoke all on function conversation_private.is_own(uuid, uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function conversation_private.is_own(uuid, uuid, uuid) to authenticated;


create policy conversation_messages_select on public.conversation_messages for select to authenticated
  using (user_id = (select auth.uid()));
-- Checked before any constraint, so a stranger's session or brand and one that does not exist are refused alike; so is
-- a brand that changed hands after the session was opened.
create policy conversation_messages_insert on public.conversation_messages for insert to authenticated
  with check (user_id = (select auth.uid()) and conversation_private.is_own(session_id, brand_id, user_id));
create policy conversation_messages_update on public.conversation_messages for update to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy conversation_messages_delete on public.conversation_messages for delete to authenticated
  using (user_id = (select auth.uid()));

-- As for sessions: revoked first, no insert (id). What a message cost, and who said it, is written once.
revoke all on public.conversation_messages from public, anon, authenticated, service_role;
grant select, delete,
  insert (session_id, brand_id, user_id, role, content, tokens_used, model_used, provider, cost_usd, latency_ms,
    action_taken, questions_asked, delegation_plan, created_at),
  update (content, action_taken, questions_asked, delegation_plan)
  on public.conversation_messages to authenticated;
grant select, insert, update, delete on public.conversation_messages to service_role;

-- Lets a message be inserted with its session alone. As the caller: of a stranger's session nothing is
-- seen and nothing filled in, and the policy refuses the row. What was given is left for policy and key to judge.
create function public.fill_message_owner() returns trigger
language plpgsql set search_path = '' as $$
begin
  select coalesce(new.brand_id, s.brand_id), coalesce(new.user_id, s.user_id) into new.brand_id, new.user_id
  from public.conversation_sessions s where s.id = new.session_id;
  return new;
end $$;

create trigger conversation_messages_owner before insert on public.conversation_messages
  for each row when (new.brand_id is null or new.user_id is null) execute function public.fill_message_owner();

-- A batch updates each session once: its further messages find now() there. Nor does the time ever move backwards.
create function public.update_session_on_message() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.conversation_sessions s set last_activity_at = now()
  where s.id = new.session_id and s.last_activity_at < now();
  return null;
end $$;

comment on function public.update_session_on_message() is
  'Security definer: the policy that let a message in has asked what the policies of its session would ask again: whether '
  'the session and its brand are the caller''s. It sets one time, to now.';

create trigger conversation_messages_touch_session after insert on public.conversation_messages
  for each row execute function public.update_session_on_message();

-- In plpgsql, not sql: the plan is kept for the life of the connection. Not sorted: the planner takes a long session
-- for one of the usual length, and would rather read and sort all of it than its newest page by the index in that order.
create function public.get_conversation_history(p_session_id uuid, p_limit integer default 50)
returns table (id uuid, role varchar, content text, created_at timestamptz, tokens_used integer, model_used varchar)
language plpgsql stable set search_path = '' set enable_sort = off as $$
begin
  return query
  select m.id, m.role, m.content, m.created_at, m.tokens_used, m.model_used
  from public.conversation_messages m
  where m.session_id = p_session_id
  order by m.created_at desc, m.id desc
  limit least(greatest(coalesce(p_limit, 50), 1), 1000);
end $$;

create function public.get_session_cost(p_session_id uuid) returns numeric
language plpgsql stable set search_path = '' as $$
begin
  return (
    select coalesce(sum(m.cost_usd), 0) from public.conversation_messages m
    where m.session_id = p_session_id and m.cost_usd is not null
  );
end $$;

create function public.get_session_message_stats(p_session_id uuid)
returns table (role varchar, message_count bigint, total_tokens bigint, total_cost numeric)
language plpgsql stable set search_path = '' as $$
begin
  return query
  select m.role, count(*), coalesce(sum(m.tokens_used), 0), coalesce(sum(m.cost_usd), 0)
  from public.conversation_messages m
  where m.session_id = p_session_id
  group by m.role;
end $$;

revoke all on function
  public.fill_message_owner(),
  public.update_session_on_message(),
  public.get_conversation_history(uuid, integer),
  public.get_session_cost(uuid),
  public.get_session_message_stats(uuid)
  from public, anon, authenticated, service_role;
grant execute on function
  public.get_conversation_history(uuid, integer),
  public.get_session_cost(uuid),
  public.get_session_message_stats(uuid)
  to authenticated, service_role;

-- As the caller (security_invoker): by default a view reads as its owner and would show every user's costs.
create view public.provider_usage_stats with (security_invoker = true) as
  select user_id, provider, count(*) as request_count,
    coalesce(sum(tokens_used), 0) as total_tokens, coalesce(sum(cost_usd), 0) as total_cost,
    round(avg(latency_ms), 2) as avg_latency_ms, min(created_at) as first_use, max(created_at) as last_use
  from public.conversation_messages
  where provider is not null and created_at >= now() - interval '30 days'
  group by user_id, provider;

create view public.daily_message_volume with (security_invoker = true) as
  select user_id, (created_at at time zone 'UTC')::date as date, count(*) as message_count,
    count(*) filter (where role = 'user') as user_messages,
    count(*) filter (where role = 'assistant') as assistant_messages,
    coalesce(sum(tokens_used), 0) as total_tokens, coalesce(sum(cost_usd), 0) as total_cost
  from public.conversation_messages
  group by user_id, (created_at at time zone 'UTC')::date;

revoke all on public.provider_usage_stats, public.daily_message_volume from public, anon, authenticated, service_role;
grant select on public.provider_usage_stats, public.daily_message_volume to authenticated, service_role;
