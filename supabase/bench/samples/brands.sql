-- Brands; their owners ask.
select b.owner_id as caller, b.id as brand_id
from public.brands b
where b.owner_id = any (coalesce(%(callers)s::uuid[], array[b.owner_id]))
order by pg_catalog.md5(b.id::text || %(seed)s)
limit %(count)s
