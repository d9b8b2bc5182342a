-- Reads whole catalogs: a damaged one raises an error.
select
    (select pg_catalog.count(one) from pg_catalog.pg_class as one) as relations,
    (select pg_catalog.count(one) from pg_catalog.pg_attribute as one) as columns,
    (select pg_catalog.count(one) from pg_catalog.pg_type as one) as types,
    (select pg_catalog.count(one) from pg_catalog.pg_proc as one) as functions,
    (select pg_catalog.count(one) from pg_catalog.pg_stats as one) as statistics;
