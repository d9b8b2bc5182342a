-- Visitors have nothing to do here.
revoke all on public.diary_entries from anon;
