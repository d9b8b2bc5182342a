-- Removes all settings of roles and databases, lets the services log in, and lifts the limit of connections: what a
-- migration set would outlive the database. services/provision/11_settings.sql then sets those of a hosted project.
do $$
declare
  scope record;
begin
  for scope in
    select d.datname, r.rolname
    from pg_catalog.pg_db_role_setting s
    left join pg_catalog.pg_database d on d.oid = s.setdatabase
    left join pg_catalog.pg_roles r on r.oid = s.setrole
  loop
    execute case
      when scope.rolname is null and scope.datname is not null
        then pg_catalog.format('alter database %I reset all', scope.datname)
      else pg_catalog.concat_ws(' ', 'alter role', coalesce(pg_catalog.quote_ident(scope.rolname), 'all'),
        'in database ' || pg_catalog.quote_ident(scope.datname), 'reset all')
    end;
  end loop;
end $$;
alter role postgres login;
alter role authenticator login;
alter role supabase_auth_admin login;
alter database postgres connection limit -1;
