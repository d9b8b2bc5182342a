-- Foreign keys: deleting a user, brand or session deletes its rows; a message has the brand and user of its session.
select
  concat_ws(E'\n',
    'conversation_messages: FOREIGN KEY (brand_id) REFERENCES public.brands(id) ON DELETE CASCADE',
    'conversation_messages: FOREIGN KEY (session_id, brand_id, user_id) REFERENCES public.conversation_sessions(id, brand_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE',
    'conversation_messages: FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE',
    'conversation_sessions: FOREIGN KEY (brand_id) REFERENCES public.brands(id) ON DELETE CASCADE',
    'conversation_sessions: FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'
  ) as expected,
  (select string_agg(concat_ws(' ', relname || ':', pg_get_constraintdef(c.oid), case when not convalidated then 'NOT VALID' end), E'\n'
     order by relname, pg_get_constraintdef(c.oid) collate "C")
   from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid
   where c.conrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     and c.contype = 'f') as found;
