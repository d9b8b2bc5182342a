-- Foreign data wrappers, servers and user mappings. Of options that may be secret only the names are selected.
select o.kind, o.object, p.property, p.value
from (
  select kind, object, oid, 'pg_foreign_data_wrapper' as class from own_wrapper
  union all select kind, object, oid, 'pg_foreign_server' from own_server
) o
left join pg_catalog.pg_foreign_data_wrapper w on o.class = 'pg_foreign_data_wrapper' and w.oid = o.oid
left join pg_catalog.pg_foreign_server s on o.class = 'pg_foreign_server' and s.oid = o.oid
left join pg_catalog.pg_foreign_data_wrapper sw on sw.oid = s.srvfdw
cross join lateral (
  values
    ('handler', nullif(w.fdwhandler, 0)::pg_catalog.regproc::text),
    ('validator', nullif(w.fdwvalidator, 0)::pg_catalog.regproc::text),
    ('wrapper', sw.fdwname::text),
    ('type', s.srvtype),
    ('version', s.srvversion),
    ('options', (
      select string_agg(
        n.option_name || '='
          || case when n.option_name ~* 'key|secret|token|password|conn' then '…' else n.option_value end,
        ', ' order by n.option_name collate "C"
      )
      from pg_catalog.pg_options_to_table(coalesce(w.fdwoptions, s.srvoptions)) n
    ))
  union all
  select 'user mapping for ' || u.usename, 'yes' from pg_catalog.pg_user_mappings u where u.srvid = s.oid
) as p (property, value)
where p.value is not null
