-- Create a job, or replace the schedule and command of the job of that name: https://github.com/citusdata/pg_cron
select cron.schedule(%(name)s, %(when)s, %(job)s)
