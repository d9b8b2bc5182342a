-- Both views exist, with the columns of the contract.
select
  concat_ws(E'\n',
    'daily_message_volume: user_id uuid',
    'daily_message_volume: date date',
    'daily_message_volume: message_count bigint',
    'daily_message_volume: user_messages bigint',
    'daily_message_volume: assistant_messages bigint',
    'daily_message_volume: total_tokens bigint',
    'daily_message_volume: total_cost numeric',
    'provider_usage_stats: user_id uuid',
    'provider_usage_stats: provider character varying(50)',
    'provider_usage_stats: request_count bigint',
    'provider_usage_stats: total_tokens bigint',
    'provider_usage_stats: total_cost numeric',
    'provider_usage_stats: avg_latency_ms numeric',
    'provider_usage_stats: first_use timestamp with time zone',
    'provider_usage_stats: last_use timestamp with time zone'
  ) as expected,
  (select string_agg(format('%s: %s %s', relname, attname, format_type(atttypid, atttypmod)), E'\n' order by relname, attnum)
   from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
   where c.oid in (to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
     and relkind = 'v' and attnum > 0) as found;
