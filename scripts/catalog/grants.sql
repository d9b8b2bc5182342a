-- Who may do what with an object as a whole, its owner included. No rights recorded are the rights by default.
-- Who granted them is left out: a right is as good from the one as from the other.
select o.kind, o.object, 'granted to ' || r.name,
  string_agg(distinct a.privilege_type || case when a.is_grantable then ' with grant option' else '' end, ', ')
from owned o
cross join lateral pg_catalog.aclexplode(o.acl) a
join own_role r on r.oid = a.grantee
group by 1, 2, 3
