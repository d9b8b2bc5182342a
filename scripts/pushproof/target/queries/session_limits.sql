-- Sets the time limits of this session: for a statement, and for a wait for a lock if one is given. Whoever logs in as
-- postgres acts as it, and sees what others committed meanwhile, even if a migration gave the role or the database
-- another `role` or `default_transaction_isolation`.
select
    pg_catalog.set_config('statement_timeout', %(statement)s, false),
    pg_catalog.set_config('lock_timeout', coalesce(%(lock)s, pg_catalog.current_setting('lock_timeout')), false),
    pg_catalog.set_config('role', case session_user when 'postgres' then 'none' else pg_catalog.current_setting('role') end, false),
    pg_catalog.set_config('default_transaction_isolation', 'read committed', false)
