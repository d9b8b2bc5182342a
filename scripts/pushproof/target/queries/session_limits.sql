-- The time limits of this session, set: of a statement, and of a wait for a lock where one is given.
select
    pg_catalog.set_config('statement_timeout', %(statement)s, false),
    pg_catalog.set_config('lock_timeout', coalesce(%(lock)s, pg_catalog.current_setting('lock_timeout')), false)
