-- Privileges on objects, including those of the owner, and on columns. An object without recorded privileges has the
-- default privileges. The grantor is left out, because it makes no difference.
select o.kind, o.object, o.prefix || 'granted to ' || r.name, string_agg(distinct g.privilege, ', ')
from (
  select kind, object, '' as prefix, acl from owned
  union all
  select kind, object, prefix, acl from own_column
) o
cross join lateral pg_catalog.aclexplode(o.acl) a
cross join lateral (
  select a.privilege_type || case when a.is_grantable then ' with grant option' else '' end
) g (privilege)
join own_role r on r.oid = a.grantee
group by 1, 2, 3
