-- The objects of the exposed schemas that mutants change; precedes the select of each file in mutants/. `object` is a
-- name for people, `relation` or `routine` the name in the proof's catalog; `place` and `named` are SQL.
with policies as (
  select
    format('policy %%s on %%s.%%s', p.policyname, p.schemaname, p.tablename) as object,
    p.schemaname || '.' || p.tablename as relation,
    null::text as routine,
    format('%%I.%%I', p.schemaname, p.tablename) as place,
    format('%%I on %%I.%%I', p.policyname, p.schemaname, p.tablename) as named,
    p.schemaname, p.tablename, p.policyname, p.permissive, p.cmd, p.qual, p.with_check, p.roles,
    array_to_string(array(select quote_ident(role) from unnest(p.roles) as role), ', ') as roles_named,
    (
      select format('; comment on policy %%I on %%I.%%I is %%L', p.policyname, p.schemaname, p.tablename, d.description)
      from pg_catalog.pg_policy o
      join pg_catalog.pg_description d on d.objoid = o.oid and d.classoid = 'pg_catalog.pg_policy'::regclass
      where o.polname = p.policyname and o.polrelid = format('%%I.%%I', p.schemaname, p.tablename)::regclass
    ) as comment
  from pg_catalog.pg_policies p
  where p.schemaname = any (%(schemas)s)
),
clauses as (
  select p.*, c.clause, c.expression
  from policies p
  cross join lateral (values ('using', p.qual), ('with check', p.with_check)) as c (clause, expression)
),
relations as (
  select
    n.nspname || '.' || c.relname as relation,
    null::text as routine,
    format('%%I.%%I', n.nspname, c.relname) as place,
    c.oid, c.relkind, c.relrowsecurity, c.reloptions, n.nspname, c.relname,
    c.relkind in ('r', 'p') as is_table
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any (%(schemas)s)
),
functions as (
  select
    format('function %%s', f.signature) as object,
    null::text as relation,
    f.signature as routine,
    p.oid::regprocedure as named,
    p.oid, p.prosecdef, p.proconfig, pg_get_functiondef(p.oid) as definition,
    p.prorettype = 'pg_catalog.trigger'::regtype as of_trigger
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  cross join lateral (select format('%%s.%%s(%%s)', n.nspname, p.proname, array_to_string(array(
    select format_type(u.type, null) from unnest(p.proargtypes::oid[]) with ordinality as u (type, place) order by u.place
  ), ', ')) as signature) f
  where n.nspname = any (%(schemas)s) and p.prokind = 'f'
    and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
)
