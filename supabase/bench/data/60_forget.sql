-- Enables the triggers again and drops what only the loading needed.
alter table public.conversation_messages enable trigger user;

drop schema bench cascade;
