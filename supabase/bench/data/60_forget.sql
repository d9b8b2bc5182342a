-- What was only there to be loaded from, and the triggers as they were.
alter table public.conversation_messages enable trigger user;

drop schema bench cascade;
