-- The duration of this transaction so far, in milliseconds.
select 1000 * extract(epoch from pg_catalog.clock_timestamp() - now())
