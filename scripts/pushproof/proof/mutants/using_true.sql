-- A policy's USING became true: everybody of its roles reaches everybody's rows.
select
  format('policy %%s on %%s.%%s', p.policyname, p.schemaname, p.tablename) as object,
  p.schemaname || '.' || p.tablename as relation,
  null as routine,
  lower(p.cmd) || ': using became true' as change,
  format('alter policy %%I on %%I.%%I using (true)', p.policyname, p.schemaname, p.tablename) as break,
  format('alter policy %%I on %%I.%%I using (%%s)', p.policyname, p.schemaname, p.tablename, p.qual) as mend,
  null as equivalent
from pg_catalog.pg_policies p
where p.schemaname = any (%(schemas)s) and p.qual <> 'true'
