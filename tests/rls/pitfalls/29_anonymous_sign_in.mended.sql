-- Not for anonymous users.
create policy member_profiles_members on public.member_profiles as restrictive for all to authenticated
  using ((select auth.jwt() ->> 'is_anonymous')::boolean is not true)
  with check ((select auth.jwt() ->> 'is_anonymous')::boolean is not true);
