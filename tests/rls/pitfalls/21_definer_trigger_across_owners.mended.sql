-- One default for each user.
create or replace function public.single_default_address() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.addresses a set is_default = false
  where a.user_id = new.user_id and a.is_default and a.id <> new.id;
  return null;
end $$;
