-- The backend sets both.
revoke insert (price, status), update (price, status) on public.orders from authenticated;
