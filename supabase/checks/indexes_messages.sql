-- Exactly 8 indexes on conversation_messages, all valid.
select
  concat_ws(E'\n',
    'CREATE INDEX conversation_messages_brand_idx ON public.conversation_messages USING btree (brand_id)',
    'CREATE INDEX conversation_messages_cost_idx ON public.conversation_messages USING btree (session_id, user_id) INCLUDE (cost_usd) WHERE (cost_usd IS NOT NULL)',
    'CREATE INDEX conversation_messages_daily_idx ON public.conversation_messages USING btree (user_id, created_at) INCLUDE (role, tokens_used, cost_usd)',
    'CREATE INDEX conversation_messages_history_idx ON public.conversation_messages USING btree (session_id, user_id, created_at DESC, id DESC)',
    'CREATE INDEX conversation_messages_monitoring_idx ON public.conversation_messages USING btree (created_at) INCLUDE (provider, tokens_used, cost_usd)',
    'CREATE INDEX conversation_messages_provider_idx ON public.conversation_messages USING btree (user_id, created_at) INCLUDE (provider, tokens_used, cost_usd, latency_ms) WHERE (provider IS NOT NULL)',
    'CREATE INDEX conversation_messages_stats_idx ON public.conversation_messages USING btree (session_id, user_id, role) INCLUDE (tokens_used, cost_usd)',
    'CREATE UNIQUE INDEX conversation_messages_pkey ON public.conversation_messages USING btree (id)'
  ) as expected,
  (select string_agg(concat_ws(' ', pg_get_indexdef(indexrelid), case when not (indisvalid and indisready) then 'INVALID' end), E'\n'
     order by pg_get_indexdef(indexrelid) collate "C")
   from pg_catalog.pg_index where indrelid = to_regclass('public.conversation_messages')) as found;
