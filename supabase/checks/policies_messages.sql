-- Exactly four policies on conversation_messages, for signed-in users and their own rows, the user looked up once a statement.
select
  concat_ws(E'\n',
    'delete permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid))',
    'insert permissive to authenticated check ((user_id = ( SELECT auth.uid() AS uid)) AND (EXISTS ( SELECT FROM (public.conversation_sessions s JOIN public.brands b ON (((b.id = s.brand_id) AND (b.owner_id = s.user_id)))) WHERE ((s.id = conversation_messages.session_id) AND (s.brand_id = conversation_messages.brand_id) AND (s.user_id = conversation_messages.user_id)))))',
    'select permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid))',
    'update permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid)) check (user_id = ( SELECT auth.uid() AS uid))'
  ) as expected,
  (select string_agg(concat_ws(' ', lower(cmd), lower(permissive), 'to', array_to_string(roles, ', '),
     'using ' || regexp_replace(qual, '\s+', ' ', 'g'), 'check ' || regexp_replace(with_check, '\s+', ' ', 'g')), E'\n' order by cmd)
   from pg_catalog.pg_policies where schemaname = 'public' and tablename = 'conversation_messages') as found;
