-- Users.
select u.id as caller
from auth.users u
where u.id = any (coalesce(%(callers)s::uuid[], array[u.id]))
order by pg_catalog.md5(u.id::text || %(seed)s)
limit %(count)s
