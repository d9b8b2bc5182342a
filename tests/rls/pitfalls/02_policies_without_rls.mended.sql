-- The missing line.
alter table public.appointments enable row level security;
