-- Read as the caller.
alter view public.monthly_spending set (security_invoker = true);
