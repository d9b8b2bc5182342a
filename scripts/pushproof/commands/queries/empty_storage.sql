-- Remove buckets and objects. The CLI's reset keeps them, and a migration that creates a bucket would then fail.
do $$
begin
  if pg_catalog.to_regclass('storage.buckets') is not null then
    truncate storage.buckets, storage.objects cascade;
  end if;
end
$$;
