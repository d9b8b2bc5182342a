-- Out of the schema that the API serves. `alter extension … set schema` is for the owner of its objects.
drop index public.addresses_city_idx;
drop extension pg_trgm;
create extension pg_trgm with schema extensions;
create index addresses_city_idx on public.addresses using gin (city extensions.gin_trgm_ops);
