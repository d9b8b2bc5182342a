-- For signed-in users only.
alter policy recipes_own on public.recipes to authenticated;
