-- The insert policy of messages asks whether the session has this user and brand, and whether the brand still belongs to the user.
select
  'conversation_private.is_own: return exists ( select from public.conversation_sessions s join public.brands b on b.id = s.brand_id and b.owner_id = s.user_id where s.id = p_session_id and s.brand_id = p_brand_id and s.user_id = p_user_id );' as expected,
  (select string_agg(concat(oid::regproc, ': ',
     (regexp_match(regexp_replace(prosrc, '\s+', ' ', 'g'), '^ begin (.*) end $'))[1]), E'\n')
   from pg_catalog.pg_proc where pronamespace = to_regnamespace('conversation_private')) as found;
