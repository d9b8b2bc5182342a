-- A user is deleted, with everything that is theirs
-- as: postgres
-- sample: users
-- index: conversation_sessions_user_idx, conversation_messages_daily_idx, brands_owner_idx
delete from auth.users where id = %(caller)s
