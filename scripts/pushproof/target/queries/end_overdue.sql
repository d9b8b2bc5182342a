-- Ends the sessions of this role, from this machine, that began within the last seconds and whose statement exceeds its
-- time limit. They have no name of ours: the Supabase CLI sets its own.
select pg_catalog.pg_terminate_backend(a.pid)
from pg_catalog.pg_stat_activity a
where a.usename = current_user
  and a.client_addr is not distinct from pg_catalog.inet_client_addr()
  and a.backend_start >= pg_catalog.clock_timestamp() - %(elapsed)s * interval '1 second'
  and a.state = 'active'
  and a.pid <> pg_catalog.pg_backend_pid()
  and %(limit)s::interval > interval '0' -- 0 means no limit
  and a.query_start < pg_catalog.clock_timestamp() - %(limit)s::interval - %(grace)s * interval '1 second'
