-- The time limit of this session's statements, set; in seconds.
select extract(epoch from %(limit)s::interval)::float8
from pg_catalog.set_config('statement_timeout', %(limit)s, false)
