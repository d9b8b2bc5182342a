-- The project's own objects in the given schemas, which the other files of this folder describe.
--
-- Each of those files selects kind, object, property, value. A `union all` of them follows this `with`. Names are
-- qualified because search_path is empty. Object ids differ between databases and are left out. The properties `of` and
-- `from` name the object that an object is part of, or comes from: if that one is missing, this one is not reported.
-- Members of an extension belong to the extension.

with

-- Roles whose privileges are compared: those of the API, postgres and the project's own. The platform's roles differ
-- between projects, and no migration makes them: they are the reserved roles in pkg/migration/dump.go of supabase/cli.
-- pg_database_owner, which owns public, stands for the owner of the database: postgres.
own_role (oid, name) as materialized (
  select r.oid, case r.rolname when 'pg_database_owner' then 'postgres' else r.rolname::text end
  from pg_catalog.pg_roles r
  where r.rolname !~ '^(supabase_.*|cli_login_.*|pgsodium_.*|dashboard_user|pgbouncer|pgtle_admin)$'
  union all
  select 0, 'public'
),

member (classid, objid) as materialized (
  select d.classid, d.objid from pg_catalog.pg_depend d where d.deptype = 'e'
),

own_schema as materialized (
  select n.oid, 'schema' as kind, n.oid::pg_catalog.regnamespace::text as object, null as of, n.nspowner as owner,
    coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) as acl
  from pg_catalog.pg_namespace n
  where n.nspname = any (%(schemas)s)
),

own_relation as materialized (
  select c.oid, c.relkind::text as relkind, k.kind, c.oid::pg_catalog.regclass::text as object,
    coalesce(
      case when c.relispartition then (
        select 'table ' || i.inhparent::pg_catalog.regclass from pg_catalog.pg_inherits i where i.inhrelid = c.oid
      ) end,
      case when c.relkind = 'S' then (
        select 'column ' || d.refobjid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname)
        from pg_catalog.pg_depend d
        join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype in ('a', 'i')
          and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      ) end,
      'schema ' || s.object
    ) as of,
    c.relowner as owner,
    coalesce(c.relacl, pg_catalog.acldefault(case c.relkind when 'S' then 's'::"char" else 'r' end, c.relowner)) as acl
  from pg_catalog.pg_class c
  join own_schema s on s.oid = c.relnamespace
  join (
    values ('r', 'table'), ('p', 'table'), ('v', 'view'), ('m', 'materialized view'), ('f', 'foreign table'),
      ('S', 'sequence')
  ) as k (relkind, kind) on k.relkind = c.relkind::text
  where not exists (
    select from member m where m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and m.objid = c.oid
  )
),

-- Relations that the project's policies and triggers can be on: its own, and those on which a hosted project allows
-- postgres to make policies and triggers (supautils.policy_grants and supautils.drop_trigger_grants).
host_relation as materialized (
  select r.oid, r.object, r.kind || ' ' || r.object as of, false as managed from own_relation r
  union all
  select c.oid, c.oid::pg_catalog.regclass::text, null, true
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('auth', 'storage', 'realtime')
),

-- A view's definition makes its columns, so that their properties belong to the view, prefixed with the column's name.
own_column as materialized (
  select r.oid as relation, a.attnum, v.view,
    case when v.view then r.kind else 'column' end as kind,
    case when v.view then r.object else r.object || '.' || pg_catalog.quote_ident(a.attname) end as object,
    case when v.view then pg_catalog.quote_ident(a.attname) || ' ' else '' end as prefix,
    r.kind || ' ' || r.object as of,
    a.attacl as acl
  from own_relation r
  cross join lateral (select r.relkind in ('v', 'm') as view) v
  join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  where r.relkind <> 'S'
),

own_function as materialized (
  select p.oid, case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind,
    p.oid::pg_catalog.regprocedure::text as object, 'schema ' || s.object as of, p.proowner as owner,
    coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) as acl
  from pg_catalog.pg_proc p
  join own_schema s on s.oid = p.pronamespace
  where not exists (
    select from member m where m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and m.objid = p.oid
  )
  -- The constructors of a range type are parts of the type.
  and not exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'i'
  )
),

-- Enums, composite types, domains and ranges, but not the types of relations and arrays.
own_type as materialized (
  select t.oid, case t.typtype when 'd' then 'domain' else 'type' end as kind,
    t.oid::pg_catalog.regtype::text as object, 'schema ' || s.object as of, t.typowner as owner,
    coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner)) as acl
  from pg_catalog.pg_type t
  join own_schema s on s.oid = t.typnamespace
  left join pg_catalog.pg_class c on c.oid = t.typrelid
  where (t.typtype in ('d', 'e', 'r') or c.relkind = 'c')
    and not exists (
      select from member m where m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and m.objid = t.oid
    )
),

own_wrapper as materialized (
  select w.oid, 'foreign data wrapper' as kind, pg_catalog.quote_ident(w.fdwname) as object, null as of,
    w.fdwowner as owner, coalesce(w.fdwacl, pg_catalog.acldefault('F', w.fdwowner)) as acl
  from pg_catalog.pg_foreign_data_wrapper w
  where not exists (
    select from member m
    where m.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass and m.objid = w.oid
  )
),

own_server as materialized (
  select s.oid, 'server' as kind, pg_catalog.quote_ident(s.srvname) as object, null as of,
    s.srvowner as owner, coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner)) as acl
  from pg_catalog.pg_foreign_server s
  where not exists (
    select from member m where m.classid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass and m.objid = s.oid
  )
),

owned as (
  select 'pg_catalog.pg_namespace'::pg_catalog.regclass as class, oid, kind, object, of, owner, acl from own_schema
  union all select 'pg_catalog.pg_class'::pg_catalog.regclass, oid, kind, object, of, owner, acl from own_relation
  union all select 'pg_catalog.pg_proc'::pg_catalog.regclass, oid, kind, object, of, owner, acl from own_function
  union all select 'pg_catalog.pg_type'::pg_catalog.regclass, oid, kind, object, of, owner, acl from own_type
  union all
  select 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, oid, kind, object, of, owner, acl from own_wrapper
  union all
  select 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, oid, kind, object, of, owner, acl from own_server
)
