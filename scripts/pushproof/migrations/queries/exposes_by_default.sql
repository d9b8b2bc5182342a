-- Whether the API's roles have access to a new table of postgres in public without a grant, as in older projects.
select exists (
  select
  from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a
  where d.defaclobjtype = 'r'
    and d.defaclrole = 'postgres'::pg_catalog.regrole
    and d.defaclnamespace in (0, 'public'::pg_catalog.regnamespace)
    and a.grantee = 'anon'::pg_catalog.regrole
    and a.privilege_type = 'INSERT'
)
