-- Both tables of the contract exist.
select
  concat_ws(E'\n', 'conversation_messages', 'conversation_sessions') as expected,
  (select string_agg(relname, E'\n' order by relname) from pg_catalog.pg_class
   where relnamespace = 'public'::regnamespace and relkind = 'r' and relname in ('conversation_messages', 'conversation_sessions')) as found;
