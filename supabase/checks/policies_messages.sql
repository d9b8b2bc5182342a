-- Exactly four policies on conversation_messages, for signed-in users and their own rows; each looks up the user once per statement.
select
  concat_ws(E'\n',
    'delete permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid))',
    'insert permissive to authenticated check ((user_id = ( SELECT auth.uid() AS uid)) AND conversation_private.is_own(session_id, brand_id, user_id))',
    'select permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid))',
    'update permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid)) check (user_id = ( SELECT auth.uid() AS uid))'
  ) as expected,
  (select string_agg(concat_ws(' ', lower(cmd), lower(permissive), 'to', array_to_string(roles, ', '),
     'using ' || regexp_replace(qual, '\s+', ' ', 'g'), 'check ' || regexp_replace(with_check, '\s+', ' ', 'g')), E'\n' order by cmd)
   from pg_catalog.pg_policies where schemaname = 'public' and tablename = 'conversation_messages') as found;
