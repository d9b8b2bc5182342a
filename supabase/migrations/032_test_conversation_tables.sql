-- Verifies what 029 to 031 built: raises on the first broken promise, with what was expected and what was found.
-- First the catalog (the queries of supabase/checks, word for word), then behaviour: sample users act on sample rows.
-- All of it happens in a block that is undone at its end, so no row, object or setting stays.

do $verify$
declare
  owner_role constant text := current_setting('role');
  ids jsonb;
  promise text;
  actor text;
  statement text;
  expected text;
  answer text;
  previous text;
  affected bigint;
  name text;
  value text;
  sample record;
begin
  perform set_config('search_path', '', true);

  for promise, expected, answer in
    select 'anon_nothing', c.expected, c.found from (
select
  'nothing' as expected,
  (select coalesce(string_agg(format('%s on %s', privilege, relname), E'\n' order by relname, privilege), 'nothing')
   from pg_catalog.pg_class, unnest(array['select', 'insert', 'update', 'delete']) as privilege
   where oid in (
     to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'),
     to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
     and case privilege when 'delete' then has_table_privilege('anon', oid, privilege)
       else has_any_column_privilege('anon', oid, privilege) end) as found
    ) c
    union all
    select 'brands', c.expected, c.found from (
select
  concat_ws(E'\n', 'id uuid primary key, readable', 'owner_id uuid, readable') as expected,
  (select string_agg(concat(attname, ' ', format_type(atttypid, atttypmod),
     case when exists (select from pg_catalog.pg_index where indrelid = attrelid and indisprimary and indkey::text = attnum::text)
       then ' primary key' end,
     case when has_column_privilege('authenticated', attrelid, attnum, 'select') then ', readable' end), E'\n' order by attname)
   from pg_catalog.pg_attribute where attrelid = to_regclass('public.brands') and attname in ('id', 'owner_id')) as found
    ) c
    union all
    select 'brands_policies', c.expected, c.found from (
select
  concat_ws(E'\n', 'row level security', 'delete', 'insert', 'select', 'update') as expected,
  (select case when obj_description(oid, 'pg_class') like '%Created by migration 029.'
     then concat_ws(E'\n', case when relrowsecurity then 'row level security' end,
       (select string_agg(lower(cmd), E'\n' order by cmd) from pg_catalog.pg_policies
        where schemaname = 'public' and tablename = 'brands' and roles = '{authenticated}'
          and concat(qual, with_check) like '%owner\_id = ( SELECT auth.uid()%'))
     else concat_ws(E'\n', 'row level security', 'delete', 'insert', 'select', 'update') end
   from pg_catalog.pg_class where oid = to_regclass('public.brands')) as found
    ) c
    union all
    select 'check_constraints', c.expected, c.found from (
select
  concat_ws(E'\n',
    'conversation_messages: CHECK (((action_taken IS NULL) OR ((action_taken)::conversation_private.message_action IS NOT NULL)))',
    'conversation_messages: CHECK (((role)::conversation_private.message_role IS NOT NULL))',
    'conversation_messages: CHECK ((cost_usd >= 0.0))',
    'conversation_messages: CHECK ((latency_ms >= 0))',
    'conversation_messages: CHECK ((tokens_used >= 0))',
    'conversation_sessions: CHECK ( CASE WHEN (completed_at IS NULL) THEN ((state)::conversation_private.open_state IS NOT NULL) ELSE ((state)::conversation_private.finished_state IS NOT NULL) END)',
    'finished_state: CHECK ((VALUE = ANY (''{delivered,cancelled}''::text[])))',
    'message_action: CHECK ((VALUE = ANY (''{asked_questions,delegated,responded,error}''::text[])))',
    'message_role: CHECK ((VALUE = ANY (''{user,assistant,system}''::text[])))',
    'open_state: CHECK ((VALUE = ANY (''{initial,gathering,clarifying,planning,confirming,processing,verifying}''::text[])))'
  ) as expected,
  (select string_agg(concat_ws(' ', coalesce(relname, typname) || ':', regexp_replace(pg_get_constraintdef(c.oid), '\s+', ' ', 'g'),
     case when not convalidated then 'NOT VALID' end), E'\n'
     order by coalesce(relname, typname), pg_get_constraintdef(c.oid) collate "C")
   from pg_catalog.pg_constraint c
   left join pg_catalog.pg_class r on r.oid = c.conrelid
   left join pg_catalog.pg_type t on t.oid = c.contypid
   where c.contype = 'c' and (c.conrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     or t.typnamespace = to_regnamespace('conversation_private'))) as found
    ) c
    union all
    select 'columns_messages', c.expected, c.found from (
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
   where a.attrelid = to_regclass('public.conversation_messages') and a.attnum > 0 and not a.attisdropped) as found
    ) c
    union all
    select 'columns_sessions', c.expected, c.found from (
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
   where a.attrelid = to_regclass('public.conversation_sessions') and a.attnum > 0 and not a.attisdropped) as found
    ) c
    union all
    select 'dangerous_privileges', c.expected, c.found from (
select
  'none' as expected,
  (select coalesce(string_agg(format('%s: %s on %s', role, privilege, relname), E'\n' order by role, relname, privilege), 'none')
   from pg_catalog.pg_class, unnest(array['truncate', 'references', 'trigger']) as privilege,
     unnest(array['anon', 'authenticated', 'authenticator', 'service_role']) as role
   where oid in (
     to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'),
     to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
     and (has_table_privilege(role, oid, privilege)
       or privilege = 'references' and has_any_column_privilege(role, oid, privilege))) as found
    ) c
    union all
    select 'foreign_keys', c.expected, c.found from (
select
  concat_ws(E'\n',
    'conversation_messages: FOREIGN KEY (brand_id) REFERENCES public.brands(id) ON DELETE CASCADE',
    'conversation_messages: FOREIGN KEY (session_id, brand_id, user_id) REFERENCES public.conversation_sessions(id, brand_id, user_id) ON UPDATE CASCADE ON DELETE CASCADE',
    'conversation_messages: FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE',
    'conversation_sessions: FOREIGN KEY (brand_id) REFERENCES public.brands(id) ON DELETE CASCADE',
    'conversation_sessions: FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE'
  ) as expected,
  (select string_agg(concat_ws(' ', relname || ':', pg_get_constraintdef(c.oid), case when not convalidated then 'NOT VALID' end), E'\n'
     order by relname, pg_get_constraintdef(c.oid) collate "C")
   from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid
   where c.conrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     and c.contype = 'f') as found
    ) c
    union all
    select 'functions', c.expected, c.found from (
select
  concat_ws(E'\n',
    'cancel_conversation_session(session_id uuid) returns void',
    'complete_conversation_session(session_id uuid) returns void',
    'get_conversation_history(p_session_id uuid, p_limit integer DEFAULT 50) returns TABLE(id uuid, role character varying, content text, created_at timestamp with time zone, tokens_used integer, model_used character varying)',
    'get_session_cost(p_session_id uuid) returns numeric',
    'get_session_message_stats(p_session_id uuid) returns TABLE(role character varying, message_count bigint, total_tokens bigint, total_cost numeric)',
    'update_session_activity() returns trigger',
    'update_session_on_message() returns trigger'
  ) as expected,
  (select string_agg(format('%s(%s) returns %s', proname, pg_get_function_arguments(oid), pg_get_function_result(oid)), E'\n'
     order by proname, oid)
   from pg_catalog.pg_proc
   where pronamespace = 'public'::regnamespace and (proname like '%conversation%' or proname like '%session%')) as found
    ) c
    union all
    select 'functions_execute', c.expected, c.found from (
select
  concat_ws(E'\n',
    'cancel_conversation_session: authenticated, service_role',
    'complete_conversation_session: authenticated, service_role',
    'fill_message_owner: ',
    'get_conversation_history: authenticated, service_role',
    'get_session_cost: authenticated, service_role',
    'get_session_message_stats: authenticated, service_role',
    'is_own: authenticated',
    'update_session_activity: ',
    'update_session_on_message: '
  ) as expected,
  (select string_agg(concat_ws(': ', proname, array_to_string(array(
     select role from unnest(array['anon', 'authenticated', 'service_role']) as role where has_function_privilege(role, f.oid, 'execute')
   ), ', ')), E'\n' order by proname)
   from pg_catalog.pg_proc f where pronamespace in ('public'::regnamespace, to_regnamespace('conversation_private'))
     and (proname like '%conversation%' or proname like '%session%' or proname in ('fill_message_owner', 'is_own'))) as found
    ) c
    union all
    select 'functions_private', c.expected, c.found from (
select
  'conversation_private.is_own: return exists ( select from public.conversation_sessions s join public.brands b on b.id = s.brand_id and b.owner_id = s.user_id where s.id = p_session_id and s.brand_id = p_brand_id and s.user_id = p_user_id );' as expected,
  (select string_agg(concat(oid::regproc, ': ',
     (regexp_match(regexp_replace(prosrc, '\s+', ' ', 'g'), '^ begin (.*) end $'))[1]), E'\n')
   from pg_catalog.pg_proc where pronamespace = to_regnamespace('conversation_private')) as found
    ) c
    union all
    select 'functions_search_path', c.expected, c.found from (
select
  'all pinned' as expected,
  (select coalesce(string_agg(proname, E'\n' order by proname), 'all pinned')
   from pg_catalog.pg_proc
   where pronamespace in ('public'::regnamespace, to_regnamespace('conversation_private'))
     and (proname like '%conversation%' or proname like '%session%' or proname in ('fill_message_owner', 'is_own'))
     and not coalesce(proconfig, '{}') @> array['search_path=""']) as found
    ) c
    union all
    select 'functions_security_invoker', c.expected, c.found from (
select
  'all invoker' as expected,
  (select coalesce(string_agg(proname, E'\n' order by proname), 'all invoker')
   from pg_catalog.pg_proc
   where pronamespace in ('public'::regnamespace, to_regnamespace('conversation_private'))
     and (proname like '%conversation%' or proname like '%session%' or proname in ('fill_message_owner', 'is_own'))
     and prosecdef and coalesce(obj_description(oid, 'pg_proc'), '') = '') as found
    ) c
    union all
    select 'grants_columns', c.expected, c.found from (
select
  concat_ws(E'\n',
    'conversation_messages: authenticated: insert: session_id, brand_id, user_id, role, content, tokens_used, model_used, provider, cost_usd, latency_ms, action_taken, questions_asked, delegation_plan, created_at',
    'conversation_messages: authenticated: update: content, action_taken, questions_asked, delegation_plan',
    'conversation_sessions: authenticated: insert: brand_id, user_id, state, parsed_intent, answered_questions, pending_questions, selected_kb_ids, active_task_plan_id, created_at, last_activity_at, completed_at',
    'conversation_sessions: authenticated: update: state, parsed_intent, answered_questions, pending_questions, selected_kb_ids, active_task_plan_id, last_activity_at, completed_at'
  ) as expected,
  (select string_agg(line, E'\n' order by line collate "C") from (
     select format('%s: %s: %s: %s', relname, case grantee when 0 then 'public' else grantee::regrole::text end,
       lower(privilege_type), string_agg(attname, ', ' order by attnum)) as line
     from pg_catalog.pg_class c join pg_catalog.pg_attribute on attrelid = c.oid, aclexplode(attacl)
     where c.oid in (
     to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'),
     to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
       and (grantee = 0 or grantee::regrole::text in ('anon', 'authenticated', 'authenticator', 'service_role'))
     group by relname, grantee, privilege_type
   ) grants) as found
    ) c
    union all
    select 'grants_tables', c.expected, c.found from (
select
  concat_ws(E'\n',
    'conversation_messages: authenticated: delete, select',
    'conversation_messages: service_role: delete, insert, select, update',
    'conversation_sessions: authenticated: delete, select',
    'conversation_sessions: service_role: delete, insert, select, update',
    'daily_message_volume: authenticated: select',
    'daily_message_volume: service_role: select',
    'provider_usage_stats: authenticated: select',
    'provider_usage_stats: service_role: select'
  ) as expected,
  (select string_agg(line, E'\n' order by line collate "C") from (
     select format('%s: %s: %s', relname, case grantee when 0 then 'public' else grantee::regrole::text end,
       string_agg(lower(privilege_type), ', ' order by privilege_type)) as line
     from pg_catalog.pg_class, aclexplode(relacl)
     where oid in (
     to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'),
     to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
       and (grantee = 0 or grantee::regrole::text in ('anon', 'authenticated', 'authenticator', 'service_role'))
     group by relname, grantee
   ) grants) as found
    ) c
    union all
    select 'indexes_messages', c.expected, c.found from (
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
   from pg_catalog.pg_index where indrelid = to_regclass('public.conversation_messages')) as found
    ) c
    union all
    select 'indexes_sessions', c.expected, c.found from (
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
   from pg_catalog.pg_index where indrelid = to_regclass('public.conversation_sessions')) as found
    ) c
    union all
    select 'keys', c.expected, c.found from (
select
  concat_ws(E'\n',
    'conversation_messages: PRIMARY KEY (id)',
    'conversation_sessions: PRIMARY KEY (id)',
    'conversation_sessions: UNIQUE (id, brand_id, user_id)'
  ) as expected,
  (select string_agg(concat_ws(' ', relname || ':', pg_get_constraintdef(c.oid), case when not convalidated then 'NOT VALID' end), E'\n'
     order by relname, pg_get_constraintdef(c.oid) collate "C")
   from pg_catalog.pg_constraint c join pg_catalog.pg_class r on r.oid = c.conrelid
   where c.conrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     and c.contype in ('p', 'u')) as found
    ) c
    union all
    select 'policies_messages', c.expected, c.found from (
select
  concat_ws(E'\n',
    'delete permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid))',
    'insert permissive to authenticated check ((user_id = ( SELECT auth.uid() AS uid)) AND conversation_private.is_own(session_id, brand_id, user_id))',
    'select permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid))',
    'update permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid)) check (user_id = ( SELECT auth.uid() AS uid))'
  ) as expected,
  (select string_agg(concat_ws(' ', lower(cmd), lower(permissive), 'to', array_to_string(roles, ', '),
     'using ' || regexp_replace(qual, '\s+', ' ', 'g'), 'check ' || regexp_replace(with_check, '\s+', ' ', 'g')), E'\n' order by cmd)
   from pg_catalog.pg_policies where schemaname = 'public' and tablename = 'conversation_messages') as found
    ) c
    union all
    select 'policies_sessions', c.expected, c.found from (
select
  concat_ws(E'\n',
    'delete permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid))',
    'insert permissive to authenticated check ((user_id = ( SELECT auth.uid() AS uid)) AND (EXISTS ( SELECT FROM public.brands b WHERE ((b.id = conversation_sessions.brand_id) AND (b.owner_id = conversation_sessions.user_id)))))',
    'select permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid))',
    'update permissive to authenticated using (user_id = ( SELECT auth.uid() AS uid)) check ((user_id = ( SELECT auth.uid() AS uid)) AND (EXISTS ( SELECT FROM public.brands b WHERE ((b.id = conversation_sessions.brand_id) AND (b.owner_id = conversation_sessions.user_id)))))'
  ) as expected,
  (select string_agg(concat_ws(' ', lower(cmd), lower(permissive), 'to', array_to_string(roles, ', '),
     'using ' || regexp_replace(qual, '\s+', ' ', 'g'), 'check ' || regexp_replace(with_check, '\s+', ' ', 'g')), E'\n' order by cmd)
   from pg_catalog.pg_policies where schemaname = 'public' and tablename = 'conversation_sessions') as found
    ) c
    union all
    select 'rls_enabled', c.expected, c.found from (
select
  concat_ws(E'\n', 'conversation_messages', 'conversation_sessions') as expected,
  (select string_agg(relname, E'\n' order by relname) from pg_catalog.pg_class
   where oid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))
     and relrowsecurity) as found
    ) c
    union all
    select 'tables', c.expected, c.found from (
select
  concat_ws(E'\n', 'conversation_messages', 'conversation_sessions') as expected,
  (select string_agg(relname, E'\n' order by relname) from pg_catalog.pg_class
   where relnamespace = 'public'::regnamespace and relkind = 'r' and relname in ('conversation_messages', 'conversation_sessions')) as found
    ) c
    union all
    select 'triggers', c.expected, c.found from (
select
  concat_ws(E'\n',
    'CREATE TRIGGER conversation_messages_owner BEFORE INSERT ON public.conversation_messages FOR EACH ROW WHEN (((new.brand_id IS NULL) OR (new.user_id IS NULL))) EXECUTE FUNCTION public.fill_message_owner()',
    'CREATE TRIGGER conversation_messages_touch_session AFTER INSERT ON public.conversation_messages FOR EACH ROW EXECUTE FUNCTION public.update_session_on_message()',
    'CREATE TRIGGER conversation_sessions_activity BEFORE INSERT OR UPDATE ON public.conversation_sessions FOR EACH ROW EXECUTE FUNCTION public.update_session_activity()'
  ) as expected,
  (select string_agg(concat_ws(' ', pg_get_triggerdef(oid), case when tgenabled <> 'O' then 'NOT ENABLED' end), E'\n' order by tgname)
   from pg_catalog.pg_trigger where not tgisinternal
     and tgrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))) as found
    ) c
    union all
    select 'views', c.expected, c.found from (
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
     and relkind = 'v' and attnum > 0) as found
    ) c
    union all
    select 'views_security_invoker', c.expected, c.found from (
select
  concat_ws(E'\n', 'daily_message_volume', 'provider_usage_stats') as expected,
  (select string_agg(relname, E'\n' order by relname) from pg_catalog.pg_class
   where oid in (to_regclass('public.provider_usage_stats'), to_regclass('public.daily_message_volume'))
     and reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1']) as found
    ) c
  loop
    if answer is distinct from expected then
      raise exception E'Broken promise: %\nexpected:\n%\nfound:\n%', promise, expected, coalesce(answer, 'nothing');
    end if;
  end loop;

  select jsonb_object_agg(key, gen_random_uuid()) into ids from unnest(array['alice', 'bob', 'carol', 'alice_brand',
    'alice_brand_2', 'bob_brand', 'alice_session', 'alice_session_2', 'bob_session', 'carol_session', 'missing']) as key;

  begin
    insert into auth.users (id, email)
    select (ids ->> key)::uuid, (ids ->> key) || '@example.invalid' from unnest(array['alice', 'bob', 'carol']) as key;
    -- A table brands that was there before may require more columns than ours.
    for sample in select * from (values ('alice_brand', 'alice', 1), ('alice_brand_2', 'alice', 2), ('bob_brand', 'bob', 3)) v (brand, owner, n) loop
      select format('insert into public.brands (%s) values (%s)', string_agg(quote_ident(attname), ', '), string_agg(quote_literal(case
          when attname = 'id' then ids ->> sample.brand
          when attname = 'owner_id' then ids ->> sample.owner
          when typcategory in ('S', 'N') then sample.n::text
          when typcategory = 'B' then 'false'
          when typcategory = 'D' then 'now'
          when typname = 'uuid' then gen_random_uuid()::text
          else '{}'
        end), ', ')) into statement
      from pg_catalog.pg_attribute join pg_catalog.pg_type t on t.oid = atttypid
      where attrelid = 'public.brands'::regclass and attnum > 0 and not attisdropped
        and (attname in ('id', 'owner_id') or attnotnull and not atthasdef and attidentity = '');
      execute statement;
    end loop;
  exception when others then
    raise exception 'Not verified: no sample user with a brand could be made (%)', sqlerrm
      using hint = 'A trigger or constraint of this project''s own on auth.users or public.brands refuses them.';
  end;

  -- Each answer is the number of rows, or the SQLSTATE; "as above" means the same SQLSTATE and the same words.
  for promise, actor, statement, expected in values
    ('(samples)', 'owner', $$insert into public.conversation_sessions (id, brand_id, user_id, last_activity_at) values
      ({alice_session}, {alice_brand}, {alice}, now() - interval '1 day'),
      ({alice_session_2}, {alice_brand}, {alice}, now() - interval '1 day'),
      ({bob_session}, {bob_brand}, {bob}, now() + interval '1 hour')$$, '3'),

    ('a user opens a session for a brand of their own', 'alice', 'insert into public.conversation_sessions (brand_id) values ({alice_brand})', '1'),
    ('no session for a stranger''s brand', 'alice', 'insert into public.conversation_sessions (brand_id) values ({bob_brand})', '42501'),
    ('a stranger''s brand and a missing one are refused alike', 'alice', 'insert into public.conversation_sessions (brand_id) values ({missing})', 'as above'),
    ('no session in a stranger''s name', 'alice', 'insert into public.conversation_sessions (brand_id, user_id) values ({alice_brand}, {bob})', '42501'),
    ('no session under a key of one''s own choice', 'alice', 'insert into public.conversation_sessions (id, brand_id) values ({bob_session}, {alice_brand})', '42501'),

    ('a user writes to their session, whose brand and user the message takes', 'alice', $$insert into public.conversation_messages (session_id, role, content) values ({alice_session}, 'user', 'Hello')$$, '1'),
    ('a new message touches its session', 'alice', 'select from public.conversation_sessions where id = {alice_session} and last_activity_at >= now()', '1'),
    ('a user writes a message with its cost', 'alice', $$insert into public.conversation_messages (session_id, brand_id, user_id, role, content, provider, tokens_used, cost_usd, latency_ms)
      values ({alice_session}, {alice_brand}, {alice}, 'assistant', 'Hello', 'sample', 10, 0.25, 100), ({alice_session}, {alice_brand}, {alice}, 'assistant', 'Bye', 'sample', 30, 0.5, 300)$$, '2'),
    ('an old message is accepted', 'alice', $$insert into public.conversation_messages (session_id, role, content, provider, tokens_used, cost_usd, created_at)
      values ({alice_session_2}, 'assistant', 'Old', 'sample', 5, 1, '2001-01-01')$$, '1'),
    ('bob writes to his session', 'bob', $$insert into public.conversation_messages (session_id, role, content, provider, cost_usd) values ({bob_session}, 'assistant', 'Hello', 'sample', 1)$$, '1'),
    ('last_activity_at never moves backwards', 'bob', $$select from public.conversation_sessions where id = {bob_session} and last_activity_at = now() + interval '1 hour'$$, '1'),
    ('no message in a stranger''s session', 'alice', $$insert into public.conversation_messages (session_id, role, content) values ({bob_session}, 'user', 'x')$$, '42501'),
    ('a stranger''s session and a missing one are refused alike', 'alice', $$insert into public.conversation_messages (session_id, role, content) values ({missing}, 'user', 'x')$$, 'as above'),
    ('the same with every column given', 'alice', $$insert into public.conversation_messages (session_id, brand_id, user_id, role, content) values ({bob_session}, {bob_brand}, {alice}, 'user', 'x')$$, 'as above'),
    ('no message in a stranger''s name', 'alice', $$insert into public.conversation_messages (session_id, brand_id, user_id, role, content) values ({alice_session}, {alice_brand}, {bob}, 'user', 'x')$$, '42501'),
    ('no message for a brand other than the session''s', 'alice', $$insert into public.conversation_messages (session_id, brand_id, role, content) values ({alice_session}, {alice_brand_2}, 'user', 'x')$$, '42501'),
    ('no message for a stranger''s brand', 'alice', $$insert into public.conversation_messages (session_id, brand_id, role, content) values ({alice_session}, {bob_brand}, 'user', 'x')$$, 'as above'),
    ('a stranger''s brand and a missing one are refused alike in messages', 'alice', $$insert into public.conversation_messages (session_id, brand_id, role, content) values ({alice_session}, {missing}, 'user', 'x')$$, 'as above'),
    ('no message under a key of one''s own choice', 'alice', $$insert into public.conversation_messages (id, session_id, role, content) values ({missing}, {alice_session}, 'user', 'x')$$, '42501'),
    ('the secret key writes messages', 'service_role', $$insert into public.conversation_messages (session_id, role, content) values ({bob_session}, 'system', 'x')$$, '1'),
    ('not even the secret key gives a message another brand', 'service_role', $$insert into public.conversation_messages (session_id, brand_id, user_id, role, content) values ({alice_session}, {bob_brand}, {alice}, 'user', 'x')$$, '23503'),
    ('not even the secret key gives a message another user', 'service_role', $$insert into public.conversation_messages (session_id, brand_id, user_id, role, content) values ({alice_session}, {alice_brand}, {bob}, 'user', 'x')$$, '23503'),
    ('not even the secret key moves a message', 'service_role', 'update public.conversation_messages set brand_id = {alice_brand} where session_id = {bob_session}', '23503'),

    ('a user sees their sessions and no others', 'bob', 'select from public.conversation_sessions', '1'),
    ('a user sees their messages and no others', 'bob', 'select from public.conversation_messages', '2'),
    ('no change to a stranger''s session', 'alice', $$update public.conversation_sessions set state = 'planning' where id = {bob_session}$$, '0'),
    ('no change to a stranger''s message', 'alice', $$update public.conversation_messages set content = 'x' where session_id = {bob_session}$$, '0'),
    ('no deletion of a stranger''s session', 'alice', 'delete from public.conversation_sessions where id = {bob_session}', '0'),
    ('no deletion of a stranger''s message', 'alice', 'delete from public.conversation_messages where session_id = {bob_session}', '0'),
    ('a user changes the text of their message', 'alice', $$update public.conversation_messages set content = 'Hi' where session_id = {alice_session} and content = 'Hello'$$, '2'),
    ('nobody changes what a message cost', 'alice', 'update public.conversation_messages set cost_usd = 0', '42501'),
    ('nobody moves a message to another session', 'alice', 'update public.conversation_messages set session_id = {alice_session_2}', '42501'),
    ('nobody gives a session away', 'alice', 'update public.conversation_sessions set user_id = {bob}', '42501'),
    ('nobody moves a session to another brand', 'alice', 'update public.conversation_sessions set brand_id = {alice_brand_2}', '42501'),

    ('without signing in, no sessions', 'anon', 'select from public.conversation_sessions', '42501'),
    ('without signing in, no messages', 'anon', 'select from public.conversation_messages', '42501'),
    ('without signing in, no provider statistics', 'anon', 'select from public.provider_usage_stats', '42501'),
    ('without signing in, no daily volume', 'anon', 'select from public.daily_message_volume', '42501'),
    ('without signing in, no functions', 'anon', 'select public.get_session_cost({alice_session})', '42501'),
    ('a signed-in user cannot truncate', 'alice', 'truncate public.conversation_messages', '42501'),
    ('the secret key cannot truncate', 'service_role', 'truncate public.conversation_messages', '42501'),

    ('unknown state', 'owner', $$update public.conversation_sessions set state = 'lost' where id = {bob_session}$$, '23514'),
    ('unknown role', 'owner', $$update public.conversation_messages set role = 'robot' where session_id = {bob_session}$$, '23514'),
    ('unknown action', 'owner', $$update public.conversation_messages set action_taken = 'x' where session_id = {bob_session}$$, '23514'),
    ('negative tokens', 'owner', 'update public.conversation_messages set tokens_used = -1 where session_id = {bob_session}', '23514'),
    ('negative cost', 'owner', 'update public.conversation_messages set cost_usd = -1 where session_id = {bob_session}', '23514'),
    ('negative latency', 'owner', 'update public.conversation_messages set latency_ms = -1 where session_id = {bob_session}', '23514'),

    ('the cost of a session', 'alice', 'select where public.get_session_cost({alice_session}) = 0.75', '1'),
    ('a stranger''s session costs nothing', 'alice', 'select where public.get_session_cost({bob_session}) = 0', '1'),
    ('a session without messages costs nothing', 'alice', 'select where public.get_session_cost({missing}) = 0', '1'),
    ('statistics: a row for each role', 'alice', $$select from public.get_session_message_stats({alice_session})
      where (role, message_count, total_tokens, total_cost) in (('user', 1, 0, 0), ('assistant', 2, 40, 0.75))$$, '2'),
    ('no statistics of a stranger''s session', 'alice', 'select from public.get_session_message_stats({bob_session})', '0'),
    ('provider usage: one''s own, the last 30 days', 'alice', $$select from public.provider_usage_stats
      where (user_id, provider, request_count, total_tokens, total_cost, avg_latency_ms) = ({alice}, 'sample', 2, 40, 0.75, 200)$$, '1'),
    ('provider usage: nobody else''s', 'alice', 'select from public.provider_usage_stats where user_id <> {alice}', '0'),
    ('daily volume: a row a day', 'alice', $$select from public.daily_message_volume where (message_count, user_messages, assistant_messages, total_tokens, total_cost)
      = (3, 1, 2, 40, 0.75) and date = (now() at time zone 'UTC')::date or date = '2001-01-01'$$, '2'),
    ('daily volume: nobody else''s', 'alice', 'select from public.daily_message_volume where user_id <> {alice}', '0'),

    ('(samples)', 'owner', $$insert into public.conversation_messages (session_id, role, content, created_at)
      select {alice_session}, 'user', n, now() - n * interval '1 minute' from generate_series(1, 1100) as n$$, '1100'),
    ('history: newest first', 'alice', $$select from (select created_at > lag(created_at) over (order by ordinality) as out_of_order
      from public.get_conversation_history({alice_session}) with ordinality) page where not coalesce(out_of_order, false)$$, '50'),
    ('history: the newest', 'alice', 'select from public.get_conversation_history({alice_session}, 1) where created_at = now()', '1'),
    ('history: at least one message', 'alice', 'select from public.get_conversation_history({alice_session}, -5)', '1'),
    ('history: at most 1,000 messages', 'alice', 'select from public.get_conversation_history({alice_session}, 1000000)', '1000'),
    ('no history of a stranger''s session', 'alice', 'select from public.get_conversation_history({bob_session})', '0'),

    ('(samples)', 'owner', 'update public.conversation_sessions set last_activity_at = now() + interval ''1 hour'' where id = {alice_session_2}', '1'),
    ('last_activity_at cannot be turned back', 'alice', $$update public.conversation_sessions set last_activity_at = '2001-01-01' where id = {alice_session_2}$$, '1'),
    ('last_activity_at cannot be turned back', 'alice', 'select from public.conversation_sessions where id = {alice_session_2} and last_activity_at > now()', '1'),
    ('an open session has no completed_at', 'alice', 'update public.conversation_sessions set completed_at = now() where id = {alice_session_2}', '1'),
    ('an open session has no completed_at', 'alice', 'select from public.conversation_sessions where id = {alice_session_2} and completed_at is null', '1'),
    ('a finished session has completed_at, however it was finished', 'alice', $$update public.conversation_sessions set state = 'cancelled', completed_at = 'infinity' where id = {alice_session_2}$$, '1'),
    ('a finished session has completed_at, however it was finished', 'alice', 'select from public.conversation_sessions where id = {alice_session_2} and completed_at = now()', '1'),
    ('completed_at is kept', 'alice', 'update public.conversation_sessions set completed_at = null where id = {alice_session_2}', '1'),
    ('completed_at is kept', 'alice', 'select from public.conversation_sessions where id = {alice_session_2} and completed_at = now()', '1'),
    ('a session taken up again loses completed_at', 'alice', $$update public.conversation_sessions set state = 'planning' where id = {alice_session_2}$$, '1'),
    ('a session taken up again loses completed_at', 'alice', 'select from public.conversation_sessions where id = {alice_session_2} and completed_at is null', '1'),
    ('a session inserted as finished has completed_at', 'service_role', $$insert into public.conversation_sessions (brand_id, user_id, state) values ({bob_brand}, {bob}, 'delivered')$$, '1'),
    ('a session inserted as finished has completed_at', 'bob', $$select from public.conversation_sessions where state = 'delivered' and completed_at = now()$$, '1'),
    ('a user completes their session', 'alice', 'select public.complete_conversation_session({alice_session})', '1'),
    ('a user completes their session', 'alice', $$select from public.conversation_sessions where id = {alice_session} and state = 'delivered' and completed_at = now()$$, '1'),
    ('a user cancels their session', 'alice', 'select public.cancel_conversation_session({alice_session})', '1'),
    ('a user cancels their session', 'alice', $$select from public.conversation_sessions where id = {alice_session} and state = 'cancelled' and completed_at = now()$$, '1'),
    ('completing a stranger''s session: not found', 'alice', 'select public.complete_conversation_session({bob_session})', 'PT404'),
    ('completing a missing session: not found', 'alice', 'select public.complete_conversation_session({missing})', 'as above'),
    ('cancelling a stranger''s session: not found', 'alice', 'select public.cancel_conversation_session({bob_session})', 'PT404'),
    ('cancelling a missing session: not found', 'alice', 'select public.cancel_conversation_session({missing})', 'as above'),

    ('a user deletes their message', 'alice', 'delete from public.conversation_messages where session_id = {alice_session_2}', '1'),
    ('messages follow a session that moves', 'owner', 'update public.conversation_sessions set brand_id = {alice_brand_2} where id = {alice_session}', '1'),
    ('messages follow a session that moves', 'owner', 'select distinct brand_id from public.conversation_messages where session_id = {alice_session} and brand_id = {alice_brand_2}', '1'),
    ('a session''s messages go with it', 'alice', 'delete from public.conversation_sessions where id = {alice_session}', '1'),
    ('a session''s messages go with it', 'owner', 'select from public.conversation_messages where session_id = {alice_session}', '0'),
    ('a brand''s sessions go with it', 'owner', 'delete from public.brands where id = {alice_brand}', '1'),
    ('a brand''s sessions go with it', 'owner', 'select from public.conversation_sessions where user_id = {alice}', '0'),
    -- Carol owns no brand, which may have rules of its own for the deletion of its owner.
    ('(samples)', 'owner', 'insert into public.conversation_sessions (id, brand_id, user_id) values ({carol_session}, {bob_brand}, {carol})', '1'),
    ('no message for a brand that is no longer the user''s', 'carol', $$insert into public.conversation_messages (session_id, role, content) values ({carol_session}, 'user', 'x')$$, '42501'),
    ('such a brand and a missing session are refused alike', 'carol', $$insert into public.conversation_messages (session_id, role, content) values ({missing}, 'user', 'x')$$, 'as above'),
    ('(samples)', 'owner', $$insert into public.conversation_messages (session_id, role, content) values ({carol_session}, 'user', 'x')$$, '1'),
    ('a user''s sessions go with them', 'owner', 'delete from auth.users where id = {carol}', '1'),
    ('a user''s sessions go with them', 'owner', 'select from public.conversation_sessions where user_id = {carol}', '0'),
    ('a user''s messages go with them', 'owner', 'select from public.conversation_messages where user_id = {carol}', '0')
  loop
    previous := answer;
    for name, value in select * from jsonb_each_text(ids) loop
      statement := replace(statement, format('{%s}', name), quote_literal(value) || '::uuid');
    end loop;
    begin
      perform set_config('request.jwt.claims', jsonb_build_object('sub', ids ->> actor, 'role', 'authenticated')::text, true);
      perform set_config('role', case when actor = 'owner' then owner_role when ids ? actor then 'authenticated' else actor end, true);
      execute statement;
      get diagnostics affected = row_count;
      answer := affected;
      perform set_config('role', owner_role, true);
    exception when others then -- the role is restored with everything else
      answer := sqlstate || ' ' || sqlerrm;
    end;
    if expected = 'as above' then
      expected := previous;
    end if;
    if answer <> expected and split_part(answer, ' ', 1) <> expected then
      raise exception E'Broken promise: %\nas %: %\nexpected: %\nfound: %', promise, actor, statement, expected, answer;
    end if;
  end loop;

  raise exception sqlstate 'UNDO0';
exception when sqlstate 'UNDO0' then
  raise notice 'Every promise is kept.';
end $verify$;
