-- Text search configurations with the dictionaries of each token type, and dictionaries.
select 'text search configuration', c.oid::pg_catalog.regconfig::text, p.property, p.value
from pg_catalog.pg_ts_config c
join own_schema s on s.oid = c.cfgnamespace
join pg_catalog.pg_ts_parser parser on parser.oid = c.cfgparser
cross join lateral (
  values
    ('of', 'schema ' || s.object),
    ('owner', pg_catalog.pg_get_userbyid(c.cfgowner)::text),
    ('parser', parser.prsname::text),
    ('comment', pg_catalog.obj_description(c.oid, 'pg_ts_config'))
  union all
  select 'mapping for ' || t.alias, string_agg(m.mapdict::pg_catalog.regdictionary::text, ', ' order by m.mapseqno)
  from pg_catalog.pg_ts_config_map m
  join pg_catalog.ts_token_type(c.cfgparser) t on t.tokid = m.maptokentype
  where m.mapcfg = c.oid
  group by 1
) as p (property, value)
where p.value is not null
union all
select 'text search dictionary', d.oid::pg_catalog.regdictionary::text, p.property, p.value
from pg_catalog.pg_ts_dict d
join own_schema s on s.oid = d.dictnamespace
join pg_catalog.pg_ts_template t on t.oid = d.dicttemplate
cross join lateral (values
  ('of', 'schema ' || s.object),
  ('owner', pg_catalog.pg_get_userbyid(d.dictowner)::text),
  ('template', t.tmplname::text),
  ('options', d.dictinitoption),
  ('comment', pg_catalog.obj_description(d.oid, 'pg_ts_dict'))
) as p (property, value)
where p.value is not null
  and not exists (
    select from member m where m.classid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass and m.objid = d.oid
  )
