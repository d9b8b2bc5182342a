-- The settings of roles and databases, as one text.
select coalesce(pg_catalog.string_agg(
  pg_catalog.concat_ws(' ', s.setdatabase, r.rolname, s.setconfig::text), ', ' order by s.setdatabase, r.rolname), '')
from pg_catalog.pg_db_role_setting s
left join pg_catalog.pg_roles r on r.oid = s.setrole
