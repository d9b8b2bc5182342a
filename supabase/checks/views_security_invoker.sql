-- Both views read with their caller's rights; otherwise they would show every user's costs.
select
  concat_ws(E'\n', 'daily_message_volume', 'provider_usage_stats') as expected,
  (select string_agg(relname, E'\n' order by relname) from pg_catalog.pg_class
   where oid in (to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
     and reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1']) as found;
