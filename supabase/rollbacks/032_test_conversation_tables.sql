-- The verification left nothing behind, so there is nothing to undo.
select 'nothing to undo' as rollback;
