-- The backend alone reads it.
revoke all on public.turnover from authenticated;
