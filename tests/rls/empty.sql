-- Back to an empty project, without ending anybody's connection: the REST server takes a second to listen again.
drop schema public cascade;
create schema public authorization pg_database_owner;
grant usage on schema public to public, postgres, anon, authenticated, service_role;
truncate storage.buckets, storage.objects cascade;
do $$
declare
  policy record;
begin
  for policy in select * from pg_policies where schemaname in ('auth', 'storage', 'realtime') loop
    execute format('drop policy %I on %I.%I', policy.policyname, policy.schemaname, policy.tablename);
  end loop;
end $$;
delete from auth.users where coalesce(email, '') not like 'pushproof-%@example.com';
