-- A policy that checks only whether the caller is signed in: this includes anonymous sign-ins (pitfall 29).
select distinct p.schemaname || '.' || p.tablename as object, 'policy ' || p.policyname || ' does not ask who it is' as detail
from pg_catalog.pg_policies p
where p.schemaname = any (%(schemas)s) and p.permissive = 'PERMISSIVE' and p.cmd in ('SELECT', 'ALL')
  and p.roles && array['authenticated', 'public']::name[] and not p.roles && array['anon']::name[]
  and p.qual !~ 'uid\(\)|jwt\(\)|email\(\)|current_setting|is_anonymous'
order by 1, 2
