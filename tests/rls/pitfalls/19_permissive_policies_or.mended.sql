-- A condition that holds besides the others.
drop policy notes_not_hidden on public.notes;
create policy notes_not_hidden on public.notes as restrictive for select to authenticated
  using (hidden_at is null);
