-- The checks of supabase/checks: one that fails undoes everything.
do $verify$
declare
  promise text;
  query text;
  expected text;
  found text;
begin
  perform pg_catalog.set_config('search_path', '', true);
  for promise, query in values
{checks}
  loop
    execute query into strict expected, found;
    if expected is null or expected is distinct from found then
      raise exception 'Broken promise: %. Nothing was changed.', promise
        using detail = pg_catalog.format('expected %s, found %s', expected, found);
    end if;
  end loop;
end $verify$;
