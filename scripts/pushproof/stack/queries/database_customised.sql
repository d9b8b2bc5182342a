-- Whether a database has its own settings or privileges, which `create database … template` does not copy.
select d.datacl is not null or exists (select from pg_catalog.pg_db_role_setting s where s.setdatabase = d.oid)
from pg_catalog.pg_database d
where d.datname = %(name)s
