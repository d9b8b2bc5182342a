-- The temporary tables of this session that the present transaction has read or written.
select s.relname
from pg_catalog.pg_stat_xact_all_tables s
where s.relid in (select c.oid from pg_catalog.pg_class c where c.relnamespace = pg_catalog.pg_my_temp_schema())
  and coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) + s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
order by 1
