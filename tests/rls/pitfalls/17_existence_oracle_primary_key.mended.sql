-- The database makes the id.
revoke insert (id) on public.bookmarks from authenticated;
