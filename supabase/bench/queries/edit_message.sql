-- What a message led to is noted
-- sample: messages
-- index: conversation_messages_pkey
-- rest: PATCH conversation_messages?id=eq.{message_id} {"action_taken": "responded"}
update public.conversation_messages set action_taken = 'responded' where id = %(message_id)s
