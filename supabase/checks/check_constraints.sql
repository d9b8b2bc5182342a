-- States, roles and actions are those of the contract; counts and costs are not negative; a session has completed_at exactly while it is finished.
select
  concat_ws(E'\n',
    'conversation_messages: CHECK (((action_taken)::text = ANY (''{asked_questions,delegated,responded,error}''::text[])))',
    'conversation_messages: CHECK (((role)::text = ANY (''{user,assistant,system}''::text[])))',
    'conversation_messages: CHECK ((cost_usd >= (0)::numeric))',
    'conversation_messages: CHECK ((latency_ms >= 0))',
    'conversation_messages: CHECK ((tokens_used >= 0))',
    'conversation_sessions: CHECK (((completed_at IS NOT NULL) = ((state)::text = ANY (''{delivered,cancelled}''::text[]))))',
    'conversation_sessions: CHECK (((state)::text = ANY (''{initial,gathering,clarifying,planning,confirming,processing,verifying,delivered,cancelled}''::text[])))'
  ) as expected,
  (select string_agg(concat_ws(' ', relname || ':', pg_get_constraintdef(c.oid), case when not convalidated then 'NOT VALID' end), E'\n'
     order by relname, pg_get_constraintdef(c.oid) collate "C")
   from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid
   where c.conrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     and c.contype = 'c') as found;
