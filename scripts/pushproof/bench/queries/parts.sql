-- The parts of the tables that this transaction has written, each with the command that leaves it out, in the order to
-- do so: the foreign keys of the statement's own table, all parts of the tables that its triggers write, then the rest
-- of its own. In the triggers' tables each index without a constraint is a part, because its cost depends on what it
-- holds.
with written as (
  select c.oid, c.oid::pg_catalog.regclass::text as relation, c.relname = %(table)s as own, c.relrowsecurity
  from pg_catalog.pg_class c
  where c.relnamespace = any (%(schemas)s::pg_catalog.regnamespace[]) and c.relkind = 'r'
    and pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
      + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) > 0
), parts as (
  select w.relation, w.own, 1 as rank, 'foreign key to ' || k.confrelid::pg_catalog.regclass as part,
    pg_catalog.format('alter table %%s drop constraint %%I', w.relation, k.conname) as command
  from written w join pg_catalog.pg_constraint k on k.conrelid = w.oid and k.contype = 'f' where w.own
  union all
  select w.relation, w.own, 2, 'row level security', pg_catalog.format('alter table %%s disable row level security', w.relation)
  from written w where w.relrowsecurity
  union all
  select w.relation, w.own, case when w.own then 0 else 3 end, 'triggers',
    pg_catalog.format('alter table %%s disable trigger %%I', w.relation, t.tgname)
  from written w join pg_catalog.pg_trigger t on t.tgrelid = w.oid and not t.tgisinternal
  union all
  select w.relation, w.own, 4, 'checks', pg_catalog.format('alter table %%s drop constraint %%I', w.relation, k.conname)
  from written w join pg_catalog.pg_constraint k on k.conrelid = w.oid and k.contype = 'c'
  union all
  select w.relation, w.own, 5, case when w.own or k.oid is not null then 'indexes' else 'index ' || c.relname end, case
    when k.oid is null then pg_catalog.format('drop index %%s', i.indexrelid::pg_catalog.regclass)
    else pg_catalog.format('alter table %%s drop constraint %%I cascade', w.relation, k.conname) end
  from written w
  join pg_catalog.pg_index i on i.indrelid = w.oid and not i.indisprimary
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  left join pg_catalog.pg_constraint k on k.conindid = i.indexrelid and k.contype in ('u', 'x')
)
select pg_catalog.format('%%s: %%s', p.relation, p.part), pg_catalog.string_agg(p.command, '; ')
from parts p
group by p.relation, p.own, p.rank, p.part
order by not (p.own and p.rank = 1), p.own, p.relation, p.rank, p.part
