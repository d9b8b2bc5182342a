-- The sessions of these blocks, for the next two files: per block two of 1,000 messages and 800 of ten.
-- Two of the ten users have a long session and more short ones. All sessions are in the last 180 days.
drop schema if exists bench cascade;

create schema bench;

create unlogged table bench.planned_sessions as
select
  pg_catalog.md5(%(seed)s || ' session ' || u.n || ' ' || i)::uuid as id,
  pg_catalog.md5(%(seed)s || ' user ' || u.n)::uuid as user_id,
  pg_catalog.md5(%(seed)s || ' brand ' || u.n || ' ' || i %% (u.n %% 3 + 1))::uuid as brand_id,
  s.messages,
  s.pace,
  pg_catalog.date_trunc('day', now()) - interval '180 days' + r.early * (interval '179 days' - s.messages * s.pace) as began,
  r.fate < 0.8 as finished,
  r.fate
from pg_catalog.generate_series(%(first)s * 10, %(last)s * 10 + 9) as u (n)
cross join lateral pg_catalog.generate_series(
  case when u.n %% 10 < 2 then 0 else 1 end,
  case u.n %% 10 when 0 then 200 when 1 then 100 when 9 then 66 else 62 end
) as i
cross join lateral (
  select
    (pg_catalog.hashint8extended(u.n * 1000 + i, %(seed)s) & 1048575) / 1048576.0 as early,
    (pg_catalog.hashint8extended(u.n * 1000 + i, %(seed)s + 1) & 1048575) / 1048576.0 as fate
) as r
cross join lateral (
  select
    case when i = 0 then 1000 else 10 end as messages,
    case when i = 0 then interval '40 minutes' else interval '45 seconds' end as pace
) as s;

create index on bench.planned_sessions (began);

analyze bench.planned_sessions;

-- Otherwise each message would set the time of its session to now.
alter table public.conversation_messages disable trigger user;
