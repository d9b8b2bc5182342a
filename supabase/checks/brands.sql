-- brands has id uuid as its primary key and owner_id uuid; authenticated can read both, because its policies read them.
select
  concat_ws(E'\n', 'id uuid primary key, readable', 'owner_id uuid, readable') as expected,
  (select string_agg(concat(attname, ' ', format_type(atttypid, atttypmod),
     case when exists (select from pg_catalog.pg_index where indrelid = attrelid and indisprimary and indkey::text = attnum::text)
       then ' primary key' end,
     case when has_column_privilege('authenticated', attrelid, attnum, 'select') then ', readable' end), E'\n' order by attname)
   from pg_catalog.pg_attribute where attrelid = to_regclass('public.brands') and attname in ('id', 'owner_id')) as found;
