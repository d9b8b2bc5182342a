-- A user's brands
-- sample: users
-- index: brands_owner_idx
-- rest: GET brands?select=id,name
select b.id, b.name from public.brands b
