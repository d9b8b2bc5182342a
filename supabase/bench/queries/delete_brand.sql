-- A brand is deleted, its sessions and messages with it
-- sample: brands
-- index: conversation_sessions_brand_idx, conversation_messages_brand_idx
delete from public.brands where id = %(brand_id)s
