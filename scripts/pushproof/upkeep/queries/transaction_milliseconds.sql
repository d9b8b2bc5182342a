-- How long this transaction has taken so far, in milliseconds.
select 1000 * extract(epoch from pg_catalog.clock_timestamp() - now())
