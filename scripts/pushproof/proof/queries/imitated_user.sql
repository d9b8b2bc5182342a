-- Somebody to whom imitated rows belong.
insert into auth.users (id, aud, role, email)
values (%(id)s::uuid, 'authenticated', 'authenticated', %(id)s::text || '@example.com')
