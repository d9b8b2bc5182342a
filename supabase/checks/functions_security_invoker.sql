-- Every function runs as its caller, under row level security; if one does not, its comment says why.
select
  'all invoker' as expected,
  (select coalesce(string_agg(proname, E'\n' order by proname), 'all invoker')
   from pg_catalog.pg_proc
   where pronamespace in ('public'::regnamespace, to_regnamespace('conversation_private'))
     and (proname like '%conversation%' or proname like '%session%' or proname in ('fill_message_owner', 'is_own'))
     and prosecdef and coalesce(obj_description(oid, 'pg_proc'), '') = '') as found;
