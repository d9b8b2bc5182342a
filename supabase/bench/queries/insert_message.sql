-- A new message
-- sample: sessions
-- index: conversation_sessions_id_brand_user_key
-- writes: messages
-- rest: POST conversation_messages {"session_id": "{session_id}", "brand_id": "{brand_id}", "user_id": "{caller}", "role": "user", "content": "A calm spring campaign, told in three short films."}
insert into public.conversation_messages (session_id, brand_id, user_id, role, content)
values (%(session_id)s, %(brand_id)s, %(caller)s, 'user', 'A calm spring campaign, told in three short films.')
