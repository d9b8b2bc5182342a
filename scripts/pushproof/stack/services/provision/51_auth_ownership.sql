-- Columns that seeds and migrations use and the library's Auth lacks.
alter table auth.users add column instance_id uuid, add column is_super_admin boolean;

-- The schema `auth` belongs to supabase_admin, what is in it to supabase_auth_admin:
-- a migration that alters auth.users fails with "must be owner of table users", as hosted. Row level security is on
-- (migration 20240612123726 of supabase/auth): who is granted a table there sees what a policy of the project says.

do $$
declare
  object record;
begin
  for object in
    select format('table %s', oid::regclass) as name
    from pg_class where relnamespace = 'auth'::regnamespace and relkind = 'r'
    union all
    select format('function %s', oid::regprocedure)
    from pg_proc where pronamespace = 'auth'::regnamespace
  loop
    execute format('alter %s owner to supabase_auth_admin', object.name);
    if object.name like 'table %' then
      execute format('alter %s enable row level security', object.name);
    end if;
  end loop;
end $$;
