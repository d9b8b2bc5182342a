-- Release the push lock.
select pg_catalog.pg_advisory_unlock_all()
