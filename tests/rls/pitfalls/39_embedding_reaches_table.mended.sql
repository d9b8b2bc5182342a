-- The backend copies the name where it is to be shown.
revoke select on public.suppliers from authenticated;
drop policy suppliers_select on public.suppliers;
