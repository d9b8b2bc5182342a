-- Comments on schemas, relations, columns, functions, types, servers. The files of other objects select their comments.
select o.kind, o.object, 'comment', d.description
from owned o
join pg_catalog.pg_description d on d.classoid = o.class and d.objoid = o.oid and d.objsubid = 0
union all
select c.kind, c.object, c.prefix || 'comment', d.description
from own_column c
join pg_catalog.pg_description d
  on d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objoid = c.relation and d.objsubid = c.attnum
