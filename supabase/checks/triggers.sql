-- Triggers exist, are enabled, and fire on the events of the contract.
select
  concat_ws(E'\n',
    'CREATE TRIGGER conversation_messages_owner BEFORE INSERT ON public.conversation_messages FOR EACH ROW WHEN (((new.brand_id IS NULL) OR (new.user_id IS NULL))) EXECUTE FUNCTION public.fill_message_owner()',
    'CREATE TRIGGER conversation_messages_touch_session AFTER INSERT ON public.conversation_messages FOR EACH ROW EXECUTE FUNCTION public.update_session_on_message()',
    'CREATE TRIGGER conversation_sessions_activity BEFORE INSERT OR UPDATE ON public.conversation_sessions FOR EACH ROW EXECUTE FUNCTION public.update_session_activity()'
  ) as expected,
  (select string_agg(concat_ws(' ', pg_get_triggerdef(oid), case when tgenabled <> 'O' then 'NOT ENABLED' end), E'\n' order by tgname)
   from pg_catalog.pg_trigger where not tgisinternal
     and tgrelid in (to_regclass('public.conversation_sessions'), to_regclass('public.conversation_messages'))) as found;
