-- A job, or another schedule and command for the one of that name: https://github.com/citusdata/pg_cron
select cron.schedule(%(name)s, %(when)s, %(job)s)
