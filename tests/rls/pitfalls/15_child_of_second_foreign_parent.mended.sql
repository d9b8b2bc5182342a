-- The brand as well as the campaign.
alter policy posts_own on public.posts with check (user_id = (select auth.uid())
  and exists (select from public.campaigns c where c.id = campaign_id and c.user_id = (select auth.uid()))
  and exists (select from public.brands b where b.id = brand_id and b.user_id = (select auth.uid())));
