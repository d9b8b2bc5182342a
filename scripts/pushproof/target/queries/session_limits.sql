-- Sets the time limits of this session: for a statement, and for a wait for a lock if one is given.
select
    pg_catalog.set_config('statement_timeout', %(statement)s, false),
    pg_catalog.set_config('lock_timeout', coalesce(%(lock)s, pg_catalog.current_setting('lock_timeout')), false)
