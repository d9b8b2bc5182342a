"""What a statement is said to lock, against what the server takes for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pushproof.migrations.locks import ROWS, STRENGTH, effects_of
from pushproof.migrations.statements import statements_of
from tests.fix_stack import Connection, RunningStack, temporary_database

GROUND = """
create schema other;
create table public.parents (id int primary key, alt int not null unique);
create table public.t (id int, name text, parent int, constraint named check (id > 0) not valid);
create table public.parts (id int) partition by list (id);
create table public.loose (id int);
create unique index t_id on public.t (id);
create view public.v as select id from public.t;
create materialized view public.m as select id from public.t;
create unique index on public.m (id);
create policy p on public.t using (true);
create function public.f() returns trigger language plpgsql as 'begin return new; end';
create trigger g before insert on public.t for each row execute function public.f();
create rule r as on delete to public.loose do instead nothing;
"""
TABLE_OF = {"public.t_id": "public.t"}
HELD = "select relation, mode from pg_catalog.pg_locks where pid = pg_backend_pid()"
TABLES = """
select oid, 'public.' || relname from pg_catalog.pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
"""
STATEMENTS = """
create table public.n (a int references public.parents)
create table public.n (a int, foreign key (a) references public.parents)
create table public.n partition of public.parts for values in (1)
create table public.n () inherits (public.t)
alter table public.t add column x int
alter table public.t add column x uuid default gen_random_uuid()
alter table public.t add column x int references public.parents
alter table public.t add column x int unique
alter table public.t drop column name
alter table public.t alter column name type varchar(9), alter column name set not null
alter table public.t alter column name set default 'x'
alter table public.t alter column name set statistics 50
alter table public.t add constraint k foreign key (parent) references public.parents not valid
alter table public.t add constraint k foreign key (parent) references public.parents
alter table public.t add constraint k check (id > 1) not valid
alter table public.t add constraint k unique (id)
alter table public.t add constraint k unique using index t_id
alter table public.t validate constraint named
alter table public.t drop constraint named
alter table public.t enable row level security
alter table public.t force row level security
alter table public.t disable trigger g
alter table public.t set (fillfactor = 70)
alter table public.t replica identity full
alter table public.t owner to current_user
alter table public.parts attach partition public.loose for values in (1)
alter view public.v set (security_invoker = true)
alter table public.t rename column name to called
alter table public.t rename to u
alter table public.t set schema other
alter policy p on public.t using (false)
create policy q on public.t using (true)
drop policy p on public.t
drop trigger g on public.t
drop rule r on public.loose
create trigger h after insert on public.t for each row execute function public.f()
create rule s as on delete to public.t do instead nothing
create index on public.t (id)
drop index public.t_id
drop table public.loose
drop view public.v
drop materialized view public.m
create or replace view public.v as select id from public.t
refresh materialized view public.m
refresh materialized view concurrently public.m
truncate public.t
insert into public.t values (1)
update public.t set id = 1
delete from public.t where id = 1
lock table public.t in share mode
comment on table public.t is 'x'
cluster public.t using t_id
"""


@pytest.fixture(scope="module")
def ground(bare_server: RunningStack) -> Iterator[Connection]:
    """A database with something to lock."""
    with temporary_database(bare_server) as connection:
        connection.execute(GROUND)
        yield connection


@pytest.mark.parametrize("sql", STATEMENTS.strip().splitlines())
def test_what_is_locked(ground: Connection, sql: str) -> None:
    """The strongest lock on each relation that others use is the one foretold, and no other blocks anybody."""
    (statement,) = statements_of(sql)
    names: dict[int, str] = dict(ground.execute(TABLES).fetchall())  # by oid, before the statement renames them
    foretold = {TABLE_OF.get(lock.relation, lock.relation): lock.mode for lock in effects_of(statement.node).locks}
    with ground.transaction(force_rollback=True):
        ground.execute(sql.encode())
        found: dict[str, str] = {}
        for oid, mode in ground.execute(HELD).fetchall():
            if (name := names.get(oid)) and STRENGTH.index(mode) >= STRENGTH.index(ROWS):
                found[name] = max(mode, found.get(name, mode), key=STRENGTH.index)
    assert {n: m for n, m in foretold.items() if n in names.values()} == found
