-- Sets the time limit of this session's statements. Returns it in seconds; infinity for 0, which means no limit.
select coalesce(nullif(extract(epoch from %(limit)s::interval)::float8, 0), 'infinity')
from pg_catalog.set_config('statement_timeout', %(limit)s, false)
