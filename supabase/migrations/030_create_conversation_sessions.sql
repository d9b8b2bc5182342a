-- A conversation of one user about one of their own brands.
-- pushproof: ignore-file squawk/ban-create-domain-with-constraint: no column has these domains, so no rows are read

-- What only the two tables use, where the API does not expose it.
create schema conversation_private;

-- Lists of values that checks refer to. Written into a check, a list is parsed by each statement that writes a row; a
-- domain's is prepared once a connection.
create domain conversation_private.open_state as text
  check (value = any ('{initial,gathering,clarifying,planning,confirming,processing,verifying}'));
create domain conversation_private.finished_state as text check (value = any ('{delivered,cancelled}'));

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
  completed_at timestamptz,
  -- A finished session without its time would never be retired.
  constraint conversation_sessions_state_check check (
    case when completed_at is null then state::conversation_private.open_state is not null
    else state::conversation_private.finished_state is not null end
  ),
  -- What a message refers to, so that its brand and user are those of its session.
  constraint conversation_sessions_id_brand_user_key unique (id, brand_id, user_id)
);

-- A user's sessions by last activity; deletion of a user.
create index conversation_sessions_user_idx on public.conversation_sessions (user_id, last_activity_at desc);
-- A user's active sessions by last activity: stays small while the finished ones pile up. From the index alone, which
-- is also what makes the planner read it in its order: it would else fetch all of them and sort.
create index conversation_sessions_user_active_idx on public.conversation_sessions (user_id, last_activity_at desc)
  include (id, state) where state not in ('delivered', 'cancelled');
-- Deletion of a brand.
create index conversation_sessions_brand_idx on public.conversation_sessions (brand_id);
-- Retention.
create index conversation_sessions_completed_idx on public.conversation_sessions (completed_at)
  where completed_at is not null;

alter table public.conversation_sessions enable row level security;

create policy conversation_sessions_select on public.conversation_sessions for select to authenticated
  using (user_id = (select auth.uid()));
-- The brand is part of the check because foreign keys do not see row level security. The check comes
-- before the foreign key, so a stranger's brand and one that does not exist are refused alike. The owner is compared
-- with user_id, which is the caller already: each (select auth.uid()) reads the token again.
create policy conversation_sessions_insert on public.conversation_sessions for insert to authenticated
  with check (user_id = (select auth.uid()) and exists (
    select from public.brands b where b.id = conversation_sessions.brand_id and b.owner_id = conversation_sessions.user_id
  ));
create policy conversation_sessions_update on public.conversation_sessions for update to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()) and exists (
    select from public.brands b where b.id = conversation_sessions.brand_id and b.owner_id = conversation_sessions.user_id
  ));
create policy conversation_sessions_delete on public.conversation_sessions for delete to authenticated
  using (user_id = (select auth.uid()));

-- Revoked first: an older project grants everything on a new table to every API role.
-- Not insert (id): the answer to a primary key that is taken would tell a stranger that the session exists.
-- The two times may be written because an app may send them; update_session_activity() has the last word.
revoke all on public.conversation_sessions from public, anon, authenticated, service_role;
grant select, delete,
  insert (brand_id, user_id, state, parsed_intent, answered_questions, pending_questions, selected_kb_ids,
    active_task_plan_id, created_at, last_activity_at, completed_at),
  update (state, parsed_intent, answered_questions, pending_questions, selected_kb_ids,
    active_task_plan_id, last_activity_at, completed_at)
  on public.conversation_sessions to authenticated;
grant select, insert, update, delete on public.conversation_sessions to service_role;

create function public.update_session_activity() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    new.last_activity_at := greatest(old.last_activity_at, new.last_activity_at, now());
  end if;
  -- Kept from the first completion; never in the future, which would put the session beyond retention.
  new.completed_at := case
    when new.state in ('delivered', 'cancelled') then least(coalesce(new.completed_at, old.completed_at, now()), now())
  end;
  return new;
end $$;

-- Also where a message only moves the time: a condition would be parsed by every update, and cost more than the call.
create trigger conversation_sessions_activity before insert or update on public.conversation_sessions
  for each row execute function public.update_session_activity();

-- Row level security hides a stranger's session, so theirs and a missing one get the same answer.
create function public.complete_conversation_session(session_id uuid) returns void
language plpgsql set search_path = '' as $$
begin
  update public.conversation_sessions s set state = 'delivered' where s.id = $1;
  if not found then
    raise sqlstate 'PT404' using message = 'Session not found';
  end if;
end $$;

create function public.cancel_conversation_session(session_id uuid) returns void
language plpgsql set search_path = '' as $$
begin
  update public.conversation_sessions s set state = 'cancelled' where s.id = $1;
  if not found then
    raise sqlstate 'PT404' using message = 'Session not found';
  end if;
end $$;

-- A new function is executable by everybody. A trigger function needs no grant to fire.
revoke all on function
  public.update_session_activity(),
  public.complete_conversation_session(uuid),
  public.cancel_conversation_session(uuid)
  from public, anon, authenticated, service_role;
grant execute on function
  public.complete_conversation_session(uuid),
  public.cancel_conversation_session(uuid)
  to authenticated, service_role;
