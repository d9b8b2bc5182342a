-- Take the lock that one push at a time holds; false where somebody has it. It goes with the session.
select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('pushproof push', 0))
