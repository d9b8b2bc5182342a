-- Every function has an empty search_path, so that nobody can make it use an object of theirs.
select
  'all pinned' as expected,
  (select coalesce(string_agg(proname, E'\n' order by proname), 'all pinned')
   from pg_catalog.pg_proc
   where pronamespace in ('public'::regnamespace, to_regnamespace('conversation_private'))
     and (proname like '%conversation%' or proname like '%session%' or proname in ('fill_message_owner', 'is_own'))
     and not coalesce(proconfig, '{}') @> array['search_path=""']) as found;
