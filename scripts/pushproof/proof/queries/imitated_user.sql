-- The user who owns the imitated rows.
insert into auth.users (id, aud, role, email)
values (%(id)s::uuid, 'authenticated', 'authenticated', %(id)s::text || '@example.com')
