-- Columns of conversation_messages: names, types, nullability, defaults.
select
  concat_ws(E'\n',
    'id uuid not null default gen_random_uuid()',
    'session_id uuid not null',
    'brand_id uuid not null',
    'user_id uuid not null',
    'role character varying(20) not null',
    'content text not null',
    'tokens_used integer',
    'model_used character varying(100)',
    'provider character varying(50)',
    'cost_usd numeric(10,6)',
    'latency_ms integer',
    'action_taken character varying(30)',
    'questions_asked jsonb',
    'delegation_plan jsonb',
    'created_at timestamp with time zone not null default now()'
  ) as expected,
  (select string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
     'default ' || pg_get_expr(d.adbin, d.adrelid)), E'\n' order by a.attnum)
   from pg_catalog.pg_attribute a
   left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = to_regclass('public.conversation_messages') and a.attnum > 0 and not a.attisdropped) as found;
