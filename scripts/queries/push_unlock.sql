-- Let the next push begin.
select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('pushproof push', 0))
