-- Triggers, without the copies on partitions. On the tables of auth, storage and realtime a trigger belongs to the
-- platform if its function is in one of these schemas.
select 'trigger', h.object || ' ' || pg_catalog.quote_ident(t.tgname), p.property, p.value
from pg_catalog.pg_trigger t
join host_relation h on h.oid = t.tgrelid
join pg_catalog.pg_proc f on f.oid = t.tgfoid
join pg_catalog.pg_namespace n on n.oid = f.pronamespace
left join pg_catalog.pg_description note
  on note.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and note.objoid = t.oid and note.objsubid = 0
cross join lateral (values
  ('of', h.of),
  ('definition', pg_catalog.pg_get_triggerdef(t.oid)),
  ('enabled', case t.tgenabled when 'O' then 'yes' when 'D' then 'no' when 'R' then 'replica' else 'always' end),
  ('comment', note.description)
) as p (property, value)
where not t.tgisinternal
  and t.tgparentid = 0
  and not (h.managed and n.nspname in ('auth', 'storage', 'realtime'))
  and p.value is not null
