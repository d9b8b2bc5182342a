-- Ten users per block of 10,000 messages. Their ids are derived from the seed and a number.
insert into auth.users (instance_id, id, aud, role, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
  created_at, updated_at)
select '00000000-0000-0000-0000-000000000000', pg_catalog.md5(%(seed)s || ' user ' || n)::uuid, 'authenticated',
  'authenticated', 'bench-' || n || '@example.com', now(), '{"provider": "email", "providers": ["email"]}', '{}',
  now() - interval '200 days', now()
from pg_catalog.generate_series(%(first)s * 10, %(last)s * 10 + 9) as n;
