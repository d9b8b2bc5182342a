-- Remove the jobs whose names match, and return the names.
select j.jobname from cron.job j where j.jobname like %(like)s and cron.unschedule(j.jobid)
