-- Acquire the push lock in shared mode; false if a push holds it. The end of the session releases it.
select pg_catalog.pg_try_advisory_lock_shared(pg_catalog.hashtextextended('pushproof push', 0))
