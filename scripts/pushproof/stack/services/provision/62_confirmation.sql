-- Auth of a hosted project inserts a user and then confirms the address in the same transaction, also if confirmation
-- is off (`user.Confirm` of supabase/auth): triggers on the update of email_confirmed_at fire, and triggers on the
-- insert see null. The Auth here inserts email_confirmed_at at once, so these triggers split it into two steps.
-- Triggers fire in the order of their names: those of the project see the insert before the update.

create function extensions.insert_unconfirmed() returns trigger language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.set_config('pushproof.confirm', new.id::text, true);
  new.email_confirmed_at := null;
  return new;
end $$;

create function extensions.confirm_inserted() returns trigger language plpgsql set search_path = '' as $$
begin
  update auth.users set email_confirmed_at = pg_catalog.now(), updated_at = pg_catalog.now() where id = new.id;
  return null;
end $$;

create trigger zz_insert_unconfirmed before insert on auth.users
  for each row when (current_user = 'supabase_auth_admin' and new.email_confirmed_at is not null)
  execute function extensions.insert_unconfirmed();
create trigger zz_confirm_inserted after insert on auth.users
  for each row when (pg_catalog.current_setting('pushproof.confirm', true) = new.id::text)
  execute function extensions.confirm_inserted();
