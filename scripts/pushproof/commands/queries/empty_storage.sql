-- Buckets and objects, which the CLI's reset leaves: a migration that makes a bucket would find it there.
do $$
begin
  if pg_catalog.to_regclass('storage.buckets') is not null then
    truncate storage.buckets, storage.objects cascade;
  end if;
end
$$;
