-- Primary keys, and the unique key that messages refer to.
select
  concat_ws(E'\n',
    'conversation_messages: PRIMARY KEY (id)',
    'conversation_sessions: PRIMARY KEY (id)',
    'conversation_sessions: UNIQUE (id, brand_id, user_id)'
  ) as expected,
  (select string_agg(concat_ws(' ', relname || ':', pg_get_constraintdef(c.oid), case when not convalidated then 'NOT VALID' end), E'\n'
     order by relname, pg_get_constraintdef(c.oid) collate "C")
   from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid
   where c.conrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     and c.contype in ('p', 'u')) as found;
