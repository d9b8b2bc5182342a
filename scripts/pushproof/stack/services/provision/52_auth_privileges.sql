-- The privileges of `postgres` on the tables of `auth`: it may read and write rows, reference them and create triggers,
-- but not alter the tables. The API roles may only call the functions.

grant insert, update, delete, truncate, references, trigger on all tables in schema auth to postgres;
grant select on all tables in schema auth to postgres with grant option;
