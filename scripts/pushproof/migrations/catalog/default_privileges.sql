-- Privileges on future objects: `alter default privileges`. Those of a schema add to those of the database, so that
-- what the role has there on its own objects changes nothing.
with open_to as (
  select d.oid, r.name, string_agg(distinct g.privilege, ', ') as rights
  from pg_catalog.pg_default_acl d
  cross join lateral pg_catalog.aclexplode(d.defaclacl) a
  cross join lateral (
    select a.privilege_type || case when a.is_grantable then ' with grant option' else '' end
  ) g (privilege)
  join own_role r on r.oid = a.grantee
  where d.defaclnamespace = 0 or a.grantee <> d.defaclrole
  group by 1, 2
)
select 'default privileges',
  'for role ' || pg_catalog.quote_ident(maker.name) || coalesce(' in schema ' || s.object, '') || ' on ' || k.kind,
  p.property, p.value
from open_to o
join pg_catalog.pg_default_acl d on d.oid = o.oid
join own_role maker on maker.oid = d.defaclrole
left join own_schema s on s.oid = d.defaclnamespace
join (
  values ('r', 'tables'), ('S', 'sequences'), ('f', 'functions'), ('T', 'types'), ('n', 'schemas'),
    ('L', 'large objects')
) as k (code, kind) on k.code = d.defaclobjtype::text
cross join lateral (values ('of', 'schema ' || s.object), ('granted to ' || o.name, o.rights)) as p (property, value)
where (d.defaclnamespace = 0 or s.oid is not null) and p.value is not null
