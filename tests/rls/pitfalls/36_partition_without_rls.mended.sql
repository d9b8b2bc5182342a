-- Rows are reached through the parent alone.
alter table public.events_us enable row level security;
revoke all on public.events_us from authenticated;
