-- Rules, without those that implement views.
select 'rule', r.object || ' ' || pg_catalog.quote_ident(w.rulename), p.property, p.value
from own_relation r
join pg_catalog.pg_rewrite w on w.ev_class = r.oid and w.rulename <> '_RETURN'
cross join lateral (values
  ('of', r.kind || ' ' || r.object),
  ('definition', pg_catalog.pg_get_ruledef(w.oid)),
  ('enabled', case w.ev_enabled when 'O' then 'yes' when 'D' then 'no' when 'R' then 'replica' else 'always' end),
  ('comment', pg_catalog.obj_description(w.oid, 'pg_rewrite'))
) as p (property, value)
where p.value is not null
