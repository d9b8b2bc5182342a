-- A policy's WITH CHECK became true: a user writes rows that are somebody else's. Without one, USING served as the check.
select
  format('policy %%s on %%s.%%s', p.policyname, p.schemaname, p.tablename) as object,
  p.schemaname || '.' || p.tablename as relation,
  null as routine,
  lower(p.cmd) || ': with check became true' as change,
  format('alter policy %%I on %%I.%%I with check (true)', p.policyname, p.schemaname, p.tablename) as break,
  case when p.with_check is not null
    then format('alter policy %%I on %%I.%%I with check (%%s)', p.policyname, p.schemaname, p.tablename, p.with_check)
    else format('drop policy %%1$I on %%2$I.%%3$I; create policy %%1$I on %%2$I.%%3$I as %%4$s for %%5$s to %%6$s using (%%7$s)',
      p.policyname, p.schemaname, p.tablename, p.permissive, p.cmd,
      array_to_string(array(select quote_ident(role) from unnest(p.roles) as role), ', '), p.qual)
      || coalesce((
        select format('; comment on policy %%I on %%I.%%I is %%L', p.policyname, p.schemaname, p.tablename, d.description)
        from pg_catalog.pg_policy o join pg_catalog.pg_description d on d.objoid = o.oid and d.classoid = 'pg_catalog.pg_policy'::regclass
        where o.polname = p.policyname and o.polrelid = format('%%I.%%I', p.schemaname, p.tablename)::regclass
      ), '')
  end as mend,
  case when p.cmd = 'UPDATE' and not exists (
      select from pg_catalog.pg_attribute a
      where a.attrelid = format('%%I.%%I', p.schemaname, p.tablename)::regclass and a.attnum > 0 and not a.attisdropped
        and coalesce(p.with_check, p.qual) ~ ('\m' || a.attname || '\M')
        and has_column_privilege('authenticated', a.attrelid, a.attnum, 'update'))
    then 'users hold no right to update a column that the check compares, so a row that passes USING cannot fail the check'
  end as equivalent
from pg_catalog.pg_policies p
where p.schemaname = any (%(schemas)s)
  and case when p.with_check is null then p.cmd in ('UPDATE', 'ALL') and p.qual <> 'true' else p.with_check <> 'true' end
