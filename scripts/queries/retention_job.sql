do $job$
declare
  deleted bigint;
begin
  loop
    execute $batch$
%batch%
$batch$ into deleted;
    commit;
    exit when deleted = 0;
  end loop;
end $job$
