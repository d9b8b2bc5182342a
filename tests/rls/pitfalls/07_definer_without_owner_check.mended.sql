-- As the caller, whom the policy binds.
alter function public.invoice_total(uuid) security invoker;
