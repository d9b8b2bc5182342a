-- Share the lock that one push at a time holds; false where a push has it. It goes with the session.
select pg_catalog.pg_try_advisory_lock_shared(pg_catalog.hashtextextended('pushproof push', 0))
