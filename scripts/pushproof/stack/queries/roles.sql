-- What migrations may change beside the contents of a database: roles, their memberships, settings and privileges. One
-- text, without passwords and without the expiry of a password that never expires.
select pg_catalog.string_agg(line, e'\n' order by line collate "C") from (
  select pg_catalog.concat_ws(' ', 'role', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
    rolreplication, rolbypassrls, rolconnlimit, nullif(rolvaliduntil, 'infinity'))
  from pg_catalog.pg_roles
  union all
  select pg_catalog.concat_ws(' ', 'member', m.member::pg_catalog.regrole, m.roleid::pg_catalog.regrole,
    m.grantor::pg_catalog.regrole, m.admin_option, m.inherit_option, m.set_option)
  from pg_catalog.pg_auth_members m
  union all
  select pg_catalog.concat_ws(' ', 'settings', s.setrole::pg_catalog.regrole, d.datname, s.setconfig)
  from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_database d on d.oid = s.setdatabase
  union all
  select pg_catalog.concat_ws(' ', 'parameter', p.parname, p.paracl) from pg_catalog.pg_parameter_acl p
  union all
  select pg_catalog.concat_ws(' ', 'database', datname, datdba::pg_catalog.regrole, datconnlimit, datacl)
  from pg_catalog.pg_database where datname = 'postgres'
) as cluster (line)
