-- Reads the catalogs whole: a damaged one raises an error.
select
    (select pg_catalog.count(c) from pg_catalog.pg_namespace as c) as schemas,
    (select pg_catalog.count(c) from pg_catalog.pg_class as c) as relations,
    (select pg_catalog.count(c) from pg_catalog.pg_attribute as c) as columns,
    (select pg_catalog.count(c) from pg_catalog.pg_attrdef as c) as defaults,
    (select pg_catalog.count(c) from pg_catalog.pg_constraint as c) as constraints,
    (select pg_catalog.count(c) from pg_catalog.pg_index as c) as indexes,
    (select pg_catalog.count(c) from pg_catalog.pg_type as c) as types,
    (select pg_catalog.count(c) from pg_catalog.pg_enum as c) as labels,
    (select pg_catalog.count(c) from pg_catalog.pg_proc as c) as functions,
    (select pg_catalog.count(c) from pg_catalog.pg_policy as c) as policies,
    (select pg_catalog.count(c) from pg_catalog.pg_trigger as c) as triggers,
    (select pg_catalog.count(c) from pg_catalog.pg_rewrite as c) as rules,
    (select pg_catalog.count(c) from pg_catalog.pg_inherits as c) as parents,
    (select pg_catalog.count(c) from pg_catalog.pg_depend as c) as dependencies,
    (select pg_catalog.count(c) from pg_catalog.pg_description as c) as comments,
    (select pg_catalog.count(c) from pg_catalog.pg_stats as c) as statistics;
