-- Row level security is on for both tables.
select
  concat_ws(E'\n', 'conversation_messages', 'conversation_sessions') as expected,
  (select string_agg(relname, E'\n' order by relname) from pg_catalog.pg_class
   where oid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     and relrowsecurity) as found;
