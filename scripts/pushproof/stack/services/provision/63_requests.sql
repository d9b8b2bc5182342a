-- Marks the transaction of a request with the number that the gateway sends as a header: by a lock that lasts as long as
-- the transaction, and by the name of the session, with the time limit of a statement in ms. So the gateway finds what
-- goes on after its client has gone, and locks the negative number of that request: PostgREST may repeat a transaction,
-- and the next one of that request is refused.
-- PostgREST calls this first in each transaction: https://docs.postgrest.org/en/v12/references/transactions.html
-- It is in pg_catalog, which every role may use and no tool lists.

create function pg_catalog.pushproof_request() returns void language plpgsql as $$
declare
  number constant int := pg_catalog.json_extract_path_text(
    pg_catalog.current_setting('request.headers', true)::pg_catalog.json, 'x-pushproof-request');
  self constant int := 'pg_catalog.pushproof_request()'::pg_catalog.regprocedure::pg_catalog.oid;
begin
  if number is null then
    return;
  end if;
  if not pg_catalog.pg_try_advisory_lock_shared(self, -number) then
    raise exception 'the client of this request has gone' using errcode = 'query_canceled';
  end if;
  perform pg_catalog.pg_advisory_unlock_shared(self, -number);
  perform pg_catalog.pg_advisory_xact_lock_shared(self, number);
  perform pg_catalog.set_config('application_name', pg_catalog.concat_ws(' ', 'request', number,
    (1000 * pg_catalog.date_part('epoch', pg_catalog.current_setting('statement_timeout')::pg_catalog.interval))::bigint), true);
end $$;
