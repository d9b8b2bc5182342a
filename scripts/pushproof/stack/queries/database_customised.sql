-- Whether settings or rights hang on a database itself, which `create database … template` does not copy.
select d.datacl is not null or exists (select from pg_catalog.pg_db_role_setting s where s.setdatabase = d.oid)
from pg_catalog.pg_database d
where d.datname = %(name)s
