-- Columns of conversation_sessions: names, types, nullability, defaults.
select
  concat_ws(E'\n',
    'id uuid not null default gen_random_uuid()',
    'brand_id uuid not null',
    'user_id uuid not null default auth.uid()',
    'state character varying(20) not null default ''initial''::character varying',
    'parsed_intent jsonb default ''{}''::jsonb',
    'answered_questions jsonb default ''{}''::jsonb',
    'pending_questions jsonb default ''[]''::jsonb',
    'selected_kb_ids uuid[] default ''{}''::uuid[]',
    'active_task_plan_id uuid',
    'created_at timestamp with time zone not null default now()',
    'last_activity_at timestamp with time zone not null default now()',
    'completed_at timestamp with time zone'
  ) as expected,
  (select string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
     'default ' || pg_get_expr(d.adbin, d.adrelid)), E'\n' order by a.attnum)
   from pg_catalog.pg_attribute a
   left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = to_regclass('public.conversation_sessions') and a.attnum > 0 and not a.attisdropped) as found;
