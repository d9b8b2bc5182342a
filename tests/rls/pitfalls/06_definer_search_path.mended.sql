-- Pinned, temporary objects last.
alter function public.archive_task(uuid) set search_path = public, pg_temp;
