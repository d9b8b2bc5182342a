-- The same tables as one writes them at first: an index a column, bare auth.uid(), policies that look up the parent.

create table public.brands (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  name text not null,
  created_at timestamptz not null default now()
);
create index brands_owner_id_idx on public.brands (owner_id);

create table public.conversation_sessions (
  id uuid primary key default gen_random_uuid(),
  brand_id uuid not null references public.brands (id) on delete cascade,
  user_id uuid not null default auth.uid() references auth.users (id) on delete cascade,
  state varchar(20) not null default 'initial',
  parsed_intent jsonb default '{}',
  answered_questions jsonb default '{}',
  pending_questions jsonb default '[]',
  selected_kb_ids uuid[] default '{}',
  active_task_plan_id uuid,
  created_at timestamptz not null default now(),
  last_activity_at timestamptz not null default now(),
  completed_at timestamptz
);
create index sessions_brand_id_idx on public.conversation_sessions (brand_id);
create index sessions_user_id_idx on public.conversation_sessions (user_id);
create index sessions_state_idx on public.conversation_sessions (state);
create index sessions_last_activity_idx on public.conversation_sessions (last_activity_at);
create index sessions_completed_idx on public.conversation_sessions (completed_at);

create table public.conversation_messages (
  id uuid primary key default gen_random_uuid(),
  session_id uuid not null references public.conversation_sessions (id) on delete cascade,
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
  created_at timestamptz not null default now()
);
create index messages_session_id_idx on public.conversation_messages (session_id);
create index messages_brand_id_idx on public.conversation_messages (brand_id);
create index messages_user_id_idx on public.conversation_messages (user_id);
create index messages_created_at_idx on public.conversation_messages (created_at);
create index messages_role_idx on public.conversation_messages (role);
create index messages_provider_idx on public.conversation_messages (provider);
create index messages_cost_idx on public.conversation_messages (cost_usd);

alter table public.brands enable row level security;
alter table public.conversation_sessions enable row level security;
alter table public.conversation_messages enable row level security;
create policy brands_own on public.brands for all to authenticated
  using (owner_id = auth.uid()) with check (owner_id = auth.uid());
create policy sessions_own on public.conversation_sessions for all to authenticated
  using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy messages_own on public.conversation_messages for all to authenticated
  using (exists (select 1 from public.conversation_sessions s where s.id = session_id and s.user_id = auth.uid()))
  with check (exists (select 1 from public.conversation_sessions s where s.id = session_id and s.user_id = auth.uid()));
grant select, insert, update, delete
  on public.brands, public.conversation_sessions, public.conversation_messages to authenticated, service_role;

create function public.touch_session() returns trigger language plpgsql set search_path = '' as $$
begin
  update public.conversation_sessions set last_activity_at = now() where id = new.session_id;
  return new;
end $$;
create trigger messages_touch_session after insert on public.conversation_messages
  for each row execute function public.touch_session();
