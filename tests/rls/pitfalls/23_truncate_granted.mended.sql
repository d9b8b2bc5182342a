-- DELETE does it, and asks the policy.
revoke truncate on public.drafts from authenticated;
