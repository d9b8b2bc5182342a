-- The back office has the secret key.
revoke all on public.accounts from authenticated;
