-- States, roles and actions are those of the contract; counts and costs are not negative; completed_at is set exactly while a session is finished.
select
  concat_ws(E'\n',
    'conversation_messages: CHECK (((action_taken IS NULL) OR ((action_taken)::conversation_private.message_action IS NOT NULL)))',
    'conversation_messages: CHECK (((role)::conversation_private.message_role IS NOT NULL))',
    'conversation_messages: CHECK ((cost_usd >= 0.0))',
    'conversation_messages: CHECK ((latency_ms >= 0))',
    'conversation_messages: CHECK ((tokens_used >= 0))',
    'conversation_sessions: CHECK ( CASE WHEN (completed_at IS NULL) THEN ((state)::conversation_private.open_state IS NOT NULL) ELSE ((state)::conversation_private.finished_state IS NOT NULL) END)',
    'finished_state: CHECK ((VALUE = ANY (''{delivered,cancelled}''::text[])))',
    'message_action: CHECK ((VALUE = ANY (''{asked_questions,delegated,responded,error}''::text[])))',
    'message_role: CHECK ((VALUE = ANY (''{user,assistant,system}''::text[])))',
    'open_state: CHECK ((VALUE = ANY (''{initial,gathering,clarifying,planning,confirming,processing,verifying}''::text[])))'
  ) as expected,
  (select string_agg(concat_ws(' ', coalesce(relname, typname) || ':', regexp_replace(pg_get_constraintdef(c.oid), '\s+', ' ', 'g'),
     case when not convalidated then 'NOT VALID' end), E'\n'
     order by coalesce(relname, typname), pg_get_constraintdef(c.oid) collate "C")
   from pg_catalog.pg_constraint c
   left join pg_catalog.pg_class r on r.oid = c.conrelid
   left join pg_catalog.pg_type t on t.oid = c.contypid
   where c.contype = 'c' and (c.conrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     or t.typnamespace = to_regnamespace('conversation_private'))) as found;
