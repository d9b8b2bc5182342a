-- The policy's column first.
create index page_visits_user_idx on public.page_visits (user_id, visited_at desc);
