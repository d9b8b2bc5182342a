-- What `postgres` may do with the tables of `auth`: read and write rows, refer to them, hang triggers
-- on them; not change them. The API roles may do nothing there but call the functions.

grant insert, update, delete, truncate, references, trigger on all tables in schema auth to postgres;
grant select on all tables in schema auth to postgres with grant option;
