-- Taken from everybody, given to the one who calls it.
revoke execute on function public.purge_expired_invitations() from public, anon, authenticated;
grant execute on function public.purge_expired_invitations() to service_role;
