-- Undoes 029. Drops public.brands, with every brand, only if 029 made it; one that was there before stays.
-- Fails while another table refers to brands.
do $$
begin
  if obj_description(to_regclass('public.brands'), 'pg_class') like '%Created by migration 029.' then
    drop table public.brands;
  end if;
end $$;
