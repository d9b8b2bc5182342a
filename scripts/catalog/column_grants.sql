-- Who may do what with single columns.
select c.kind, c.object, c.prefix || 'granted to ' || r.name,
  string_agg(distinct a.privilege_type || case when a.is_grantable then ' with grant option' else '' end, ', ')
from own_column c
cross join lateral pg_catalog.aclexplode(c.acl) a
join own_role r on r.oid = a.grantee
group by 1, 2, 3
