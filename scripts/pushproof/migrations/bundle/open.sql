-- Stops unless the history holds exactly the versions for which this file was made.
begin;
set local lock_timeout = '5s';
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pushproof push', 0));
{history_table}
do $guard$
declare
  expected text[] := {expected};
  bundled text[] := {bundled};
  found text[] := array(select version from supabase_migrations.schema_migrations order by version);
begin
  if found @> bundled then
    raise exception 'This was applied already. Nothing was changed.';
  end if;
  if found <> expected then
    raise exception 'Made for a project whose last applied migration is %, not %. Nothing was changed.',
      coalesce(expected[cardinality(expected)], 'none'), coalesce(found[cardinality(found)], 'none')
      using detail = pg_catalog.format('expected %s, found %s', expected, found),
            hint = 'Make a new bundle: invoke bundle --from ' || coalesce(found[cardinality(found)], '0');
  end if;
end $guard$;
