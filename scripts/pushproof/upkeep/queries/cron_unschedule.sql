-- Remove the jobs of these names, and tell which there were.
select j.jobname from cron.job j where j.jobname like %(like)s and cron.unschedule(j.jobid)
