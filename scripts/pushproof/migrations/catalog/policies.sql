-- Policies, including those on the tables of auth, storage and realtime, where the platform itself makes none.
select 'policy', h.object || ' ' || pg_catalog.quote_ident(l.polname), p.property, p.value
from pg_catalog.pg_policy l
join host_relation h on h.oid = l.polrelid
left join pg_catalog.pg_description note
  on note.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass and note.objoid = l.oid and note.objsubid = 0
cross join lateral (values
  ('of', h.of),
  ('as', case when l.polpermissive then 'permissive' else 'restrictive' end),
  ('for', case l.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
    else 'all' end),
  ('to', (
    select string_agg(case r.oid when 0 then 'public' else pg_catalog.pg_get_userbyid(r.oid)::text end, ', '
      order by pg_catalog.pg_get_userbyid(r.oid))
    from unnest(l.polroles) as r (oid)
  )),
  ('using', pg_catalog.pg_get_expr(l.polqual, l.polrelid)),
  ('with check', pg_catalog.pg_get_expr(l.polwithcheck, l.polrelid)),
  ('comment', note.description)
) as p (property, value)
where p.value is not null
