-- Sessions that never ended, by how long ago they were last touched
select
  case
    when s.last_activity_at >= now() - interval '7 days' then 'less than 7 days'
    when s.last_activity_at >= now() - interval '30 days' then '7 to 30 days'
    when s.last_activity_at >= now() - interval '90 days' then '30 to 90 days'
    else '90 days and more'
  end as untouched_for,
  count(*) as sessions
from public.conversation_sessions s
where s.state not in ('delivered', 'cancelled')
group by 1
order by min(now() - s.last_activity_at)
