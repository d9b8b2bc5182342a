-- The only statement of its job; with another one it could not commit: https://github.com/citusdata/pg_cron/issues/85
do $job$
declare
  deleted bigint;
begin
  perform pg_catalog.set_config('lock_timeout', '40ms', false);
  loop
    execute $batch$
%batch%
$batch$ into deleted;
    commit;
    exit when deleted = 0;
  end loop;
end $job$
