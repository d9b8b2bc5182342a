-- Exactly 6 indexes on conversation_sessions, all valid.
select
  concat_ws(E'\n',
    'CREATE INDEX conversation_sessions_brand_idx ON public.conversation_sessions USING btree (brand_id)',
    'CREATE INDEX conversation_sessions_completed_idx ON public.conversation_sessions USING btree (completed_at) WHERE (completed_at IS NOT NULL)',
    'CREATE INDEX conversation_sessions_user_active_idx ON public.conversation_sessions USING btree (user_id, last_activity_at DESC) INCLUDE (id, state) WHERE ((state)::text <> ALL ((ARRAY[''delivered''::character varying, ''cancelled''::character varying])::text[]))',
    'CREATE INDEX conversation_sessions_user_idx ON public.conversation_sessions USING btree (user_id, last_activity_at DESC)',
    'CREATE UNIQUE INDEX conversation_sessions_id_brand_user_key ON public.conversation_sessions USING btree (id, brand_id, user_id)',
    'CREATE UNIQUE INDEX conversation_sessions_pkey ON public.conversation_sessions USING btree (id)'
  ) as expected,
  (select string_agg(concat_ws(' ', pg_get_indexdef(indexrelid), case when not (indisvalid and indisready) then 'INVALID' end), E'\n'
     order by pg_get_indexdef(indexrelid) collate "C")
   from pg_catalog.pg_index where indrelid = to_regclass('public.conversation_sessions')) as found;
