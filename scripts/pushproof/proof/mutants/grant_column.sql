-- A privilege to write a column is granted to users who did not have it, such as a price, an owner or a start date.
select
  format('%%s of %%s.%%s', v.verb, c.relation, a.attname) as object, c.relation, c.routine,
  'granted to authenticated' as change,
  format('grant %%s (%%I) on %%s to authenticated', v.verb, a.attname, c.place) as break,
  format('revoke %%s (%%I) on %%s from authenticated', v.verb, a.attname, c.place) as mend,
  (
    select 'the policy ' || p.policyname || ' holds the column to the caller''s own id, so no other value can be written'
    from policies p
    where p.relation = c.relation and lower(p.cmd) in (v.verb, 'all')
      and coalesce(p.with_check, p.qual) ~ ('\m' || a.attname || ' = (\( SELECT )?auth\.uid\(\)')
    limit 1
  ) as equivalent
from relations c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
cross join unnest(array['insert', 'update']) as v (verb)
where c.is_table and a.attgenerated = '' and a.attidentity <> 'a'
  and has_any_column_privilege('authenticated', c.oid, v.verb)
  and not has_column_privilege('authenticated', c.oid, a.attnum, v.verb)
