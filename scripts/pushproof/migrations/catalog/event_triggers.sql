-- Event triggers that call a function of the project. Those of the platform call functions of the platform.
select 'event trigger', pg_catalog.quote_ident(t.evtname), p.property, p.value
from pg_catalog.pg_event_trigger t
join own_function f on f.oid = t.evtfoid
cross join lateral (values
  ('of', f.kind || ' ' || f.object),
  ('definition', 'on ' || t.evtevent || coalesce(' when tag in (' || array_to_string(t.evttags, ', ') || ')', '')
    || ' execute function ' || f.object),
  ('enabled', case t.evtenabled when 'O' then 'yes' when 'D' then 'no' when 'R' then 'replica' else 'always' end),
  ('comment', pg_catalog.obj_description(t.oid, 'pg_event_trigger'))
) as p (property, value)
where p.value is not null
