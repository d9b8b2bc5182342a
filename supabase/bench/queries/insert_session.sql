-- A new session
-- sample: brands
-- index: brands_pkey
-- rest: POST conversation_sessions {"brand_id": "{brand_id}"}
insert into public.conversation_sessions (brand_id) values (%(brand_id)s)
