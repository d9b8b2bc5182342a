-- The time limit of this session's statements, set; in seconds, infinite for 0, which is none.
select coalesce(nullif(extract(epoch from %(limit)s::interval)::float8, 0), 'infinity')
from pg_catalog.set_config('statement_timeout', %(limit)s, false)
