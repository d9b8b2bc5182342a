-- Acquire the push lock; false if another session holds it. The end of the session releases it.
select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('pushproof push', 0))
