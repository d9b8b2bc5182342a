-- Deletes the candidates of a rule, with their messages.
-- Waits for no lock: a session is deleted later if another transaction has locked it, or one of its messages.
with candidates as materialized (
%candidates%
),
free as materialized (
  select m.session_id
  from public.conversation_messages m
  join candidates c on c.id = m.session_id
  for update of m skip locked
),
counted as (
  select c.id, count(f.session_id) as free,
    (select count(*) from public.conversation_messages m where m.session_id = c.id) as messages
  from candidates c
  left join free f on f.session_id = c.id
  group by c.id
),
gone as (
  delete from public.conversation_sessions s using counted c
  where s.id = c.id and c.messages = c.free
  returning s.id
)
select
  (select count(*) from gone) as deleted,
  (select count(*) from free f join gone g on g.id = f.session_id) as along,
  (select 1000 * extract(epoch from min(c.at) - now()) from candidates c) as searched
