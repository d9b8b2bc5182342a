"""`invoke rollback` and `invoke restore`: down and up again, and no row lost that was not meant to be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pushproof.target.database import connect
from tests.fix_stack import Project
from tests.tasks.answers import document, refuses, remote_settings, says, states, succeeds

Ask = Callable[..., list[tuple[object, ...]]]
LISTS = """
create table public.lists (id bigint generated always as identity primary key, title text not null, made timestamptz);
create table public.items (
  id serial primary key, list_id bigint not null references public.lists (id), body text,
  size int generated always as (1) stored
);
create function public.stamp() returns trigger language plpgsql as $$ begin new.made := now(); return new; end $$;
create trigger stamp before insert on public.lists for each row execute function public.stamp()
"""
DROP_LISTS = "drop table public.items; drop table public.lists; drop function public.stamp()"
ROWS = """
insert into public.lists (title) values (E'a\\tb\\\\n'), ('é');
update public.lists set made = '2001-01-01';
insert into public.items (list_id, body) values (1, null), (2, 'x')
"""
ALL = """
select l.title, l.made::text, i.body, i.size
from public.lists l join public.items i on i.list_id = l.id order by l.id
"""


@pytest.fixture
def lists(blank: Project, sql: Ask) -> Project:
    """Two migrations with their rollbacks, and rows."""
    blank.write("migrations/001_lists.sql", LISTS)
    blank.write("rollbacks/001_lists.sql", DROP_LISTS)
    blank.write("migrations/002_color.sql", "alter table public.lists add column color text default 'red'")
    blank.write("rollbacks/002_color.sql", "alter table public.lists drop column color")
    succeeds(blank.invoke("push"))
    sql(ROWS)
    return blank


def test_down_and_up_with_every_row(lists: Project, sql: Ask, tmp_path: Path) -> None:
    """What would be lost is shown, saved by whom may read it alone, and loaded back as it was, triggers silent."""
    before = sql(ALL)
    shown = succeeds(lists.invoke("rollback", "--to", "0", "--dry-run"))
    assert shown.stdout.splitlines() == [
        "would undo 002_color.sql",
        "would undo 001_lists.sql",
        "!     loses public.items: 2 rows",
        "!     loses public.lists: 2 rows",
    ]
    refuses(lists.invoke("rollback", "--to", "0"), 21, "4 rows would be lost", "--backup DIR")
    assert (sql(ALL), set(states(lists).values())) == (before, {"applied"})
    backup = tmp_path / "saved"
    done = document(succeeds(lists.invoke("rollback", "--to", "0", "--backup", str(backup), "--json")))
    assert done["rollbacks"] == ["002_color.sql", "001_lists.sql"]
    assert set(states(lists).values()) == {"pending"}
    assert sql("select to_regclass('public.lists')") == [(None,)]
    assert (backup.stat().st_mode & 0o777, {f.stat().st_mode & 0o777 for f in backup.glob("*.copy")}) == (
        0o700,
        {0o600},
    )
    refuses(lists.invoke("restore", str(backup)), 10, "there is no table public.items", "push the migration")
    succeeds(lists.invoke("push"))
    restored = document(succeeds(lists.invoke("restore", str(backup), "--json")))["restored"]
    assert [(one["table"], one["saved"], one["inserted"]) for one in restored] == [
        ("public.items", 2, 2),
        ("public.lists", 2, 2),
    ]
    assert sql(ALL) == before
    again = document(lists.invoke("restore", str(backup), "--json"))["restored"]
    assert [(one["inserted"], one["left"]) for one in again] == [(0, 2), (0, 2)]
    assert sql("insert into public.lists (title) values ('c') returning id, made > '2001-01-02'") == [(3, True)]
    assert sql("insert into public.items (list_id) values (3) returning id") == [(3,)]


def test_a_column(lists: Project, sql: Ask, tmp_path: Path) -> None:
    """Only its values are loaded back, into the rows that are still there."""
    sql("update public.lists set color = 'blue' where id = 1")
    backup = tmp_path / "saved"
    done = document(lists.invoke("rollback", "--to", "001", "--backup", str(backup), "--json"))
    assert done["lost"] == [{"table": "public.lists", "columns": ["color"], "rows": 2}]
    sql("update public.lists set title = 'new'; delete from public.items; delete from public.lists where id = 2")
    succeeds(lists.invoke("push"))
    assert "1 given their saved values" in succeeds(lists.invoke("restore", str(backup))).stdout
    assert sql("select id, title, color from public.lists") == [(1, "new", "blue")]


def test_deleted_rows(lists: Project, sql: Ask, tmp_path: Path) -> None:
    """A script that deletes from a table that stays has its rows saved as well."""
    lists.write("migrations/003_seed.sql", "insert into public.lists (title) values ('seed')")
    lists.write("rollbacks/003_seed.sql", "delete from public.lists where title = 'seed'")
    succeeds(lists.invoke("push"))
    backup = tmp_path / "saved"
    succeeds(lists.invoke("rollback", "--to", "002", "--backup", str(backup)))
    assert sql("select count(*) from public.lists") == [(2,)]
    assert "1 of 3 rows" in succeeds(lists.invoke("restore", str(backup))).stdout
    assert sql("select count(*) from public.lists where title = 'seed'") == [(1,)]


@pytest.mark.parametrize(
    ("script", "code", "cause"),
    [
        (None, 10, "supabase/rollbacks has no 001_lists.sql"),
        ("drop table public.items; drop table public.lists", 10, "not what it was before: function public.stamp()"),
        ("drop table public.lists", 18, "supabase/rollbacks/001_lists.sql: cannot drop table lists"),
        (f"{DROP_LISTS}; commit", 10, "001_lists.sql line 1 has its own `commit`"),
        (f"{DROP_LISTS}; drop table auth.identities", 18, "must be owner"),
    ],
)
def test_scripts_that_will_not_do(lists: Project, sql: Ask, script: str | None, code: int, cause: str) -> None:
    """Missing, partial, failing: an error before anything runs, the other scripts included."""
    file = lists.folder / "supabase" / "rollbacks" / "001_lists.sql"
    if script is None:
        file.unlink()
    else:
        file.write_text(script)
    refuses(lists.invoke("rollback", "--to", "0", "--no-backup"), code, cause, "")
    assert set(states(lists).values()) == {"applied"}
    assert sql("select count(color) from public.lists") == [(2,)]


def test_bad_words(lists: Project, tmp_path: Path) -> None:
    """A version that is not applied, a folder that is not empty, a backup that was changed, production."""
    refuses(lists.invoke("rollback", "--to", "7"), 2, "7 is not applied", "0, 001, 002")
    assert "nothing to undo" in succeeds(lists.invoke("rollback", "--to", "002")).stdout
    (tmp_path / "file").touch()
    refuses(lists.invoke("rollback", "--to", "0", "--backup", str(tmp_path)), 2, "is not an empty folder", "new one")
    refuses(lists.invoke("restore", str(tmp_path)), 10, "is not a backup", "--backup")
    words = ("rollback", "--to", "001", "--backup", str(tmp_path / "new"))
    refuses(lists.invoke(*words, SUPABASE_PRODUCTION="true"), 21, "marked as production", "--confirm")
    succeeds(lists.invoke(*words))
    (tmp_path / "new" / "public.lists.copy").write_text("changed")
    refuses(lists.invoke("restore", str(tmp_path / "new")), 10, "was changed", "unchanged copy")
    (lists.folder / "supabase" / "migrations" / "001_lists.sql").write_text("select 'edited'")
    refuses(lists.invoke("rollback", "--to", "0", "--no-backup"), 19, "001 is edited", "invoke migrations")


def test_a_writer_is_waited_for(lists: Project, sql: Ask, tmp_path: Path) -> None:
    """Within the time-out, then tried again; the backup is the one of the try that went through."""
    with connect(lists.stack.target(), autocommit=False) as reader:
        reader.execute("update public.lists set title = 'held' where id = 1")  # a writer, who stops the saving too
        words = ("rollback", "--to", "001", "--backup", str(tmp_path / "saved"))
        with lists.popen(*words, PUSHPROOF_LOCK_TIMEOUT="50ms") as task:
            assert says(task.stderr, "(SQLSTATE 55P03): again in 1 s")
            assert not (tmp_path / "saved").exists()
            sql("insert into public.items (list_id) values (1)")
            reader.rollback()
            task.communicate()
    assert task.returncode == 0
    assert states(lists) == {"001": "applied", "002": "pending"}
    assert json.loads((tmp_path / "saved" / "manifest.json").read_text())[0]["lost"] == ["color"]


AWKWARD = """
create table public."Orders" (id uuid primary key default gen_random_uuid(), total int not null default 0);
create table public.lines (order_id uuid not null references public."Orders" (id) on delete cascade, label text);
create table public.parts (id int, day date not null) partition by range (day);
create table public.parts_old partition of public.parts for values from ('2000-01-01') to ('2010-01-01');
create table public.parts_new partition of public.parts for values from ('2010-01-01') to ('2030-01-01');
create table public.nothing ();
create table public.later (
  id int primary key, other int references public.later (id) deferrable initially deferred,
  twice int not null generated always as (id * 2) stored
);
create function public.stamp_later() returns trigger language plpgsql as $$ begin new.id := 0; return new; end $$;
create trigger stamp before insert on public.later for each row execute function public.stamp_later();
alter table public.later enable always trigger stamp
"""
AWKWARD_ROWS = """
insert into public."Orders" (total) values (1), (2);
insert into public.lines select id, 'x' from public."Orders";
insert into public.lines select order_id, label from public.lines limit 1;
insert into public.parts values (1, '2005-01-01'), (2, '2020-01-01');
alter table public.later disable trigger stamp
"""
LATER_ROWS = "insert into public.later (id, other) values (1, 2), (2, 1)"
NAMES = ('"Orders"', "lines", "parts", "later")


@pytest.mark.parametrize(
    ("script", "lost"),
    [
        ('delete from public."Orders" where total = 1', {"public.Orders", "public.lines"}),
        (
            'with d as (delete from public."Orders" returning 1) select count(*) from d',
            {"public.Orders", "public.lines"},
        ),
        ("do $$ begin delete from public.lines; end $$", {"public.lines"}),
        ('truncate public."Orders" cascade', {"public.Orders", "public.lines"}),
        ("delete from public.parts where id = 2", {"public.parts"}),
        ("delete from public.later", {"public.later"}),
    ],
)
def test_whatever_takes_rows(lists: Project, sql: Ask, tmp_path: Path, script: str, lost: set[str]) -> None:
    """By a quoted name, a cascade, a block of code, in a partition: each table is saved first, and comes back."""
    lists.write("migrations/003_awkward.sql", AWKWARD)
    lists.write("migrations/004_next.sql", "select 1")
    lists.write("rollbacks/004_next.sql", script)
    succeeds(lists.invoke("push"))
    for statements in (AWKWARD_ROWS, LATER_ROWS, "alter table public.later enable always trigger stamp"):
        sql(statements)
    before = [sql(f"select t::text from public.{name} t order by 1") for name in NAMES]
    backup = tmp_path / "saved"
    done = document(lists.invoke("rollback", "--to", "003", "--backup", str(backup), "--json"))
    assert {one["table"] for one in done["lost"]} == lost
    assert [sql(f"select t::text from public.{name} t order by 1") for name in NAMES] != before
    for _ in range(2):
        succeeds(lists.invoke("restore", str(backup)))
        assert [sql(f"select t::text from public.{name} t order by 1") for name in NAMES] == before
    assert sql(
        "select tgenabled::text from pg_trigger where tgname = 'stamp' and tgrelid = 'public.later'::regclass"
    ) == [("A",)]


def test_keys_in_a_circle(lists: Project, sql: Ask, tmp_path: Path) -> None:
    """Deferrable ones are held at the end; two tables whose names become one file are two files."""
    circle = """
    create table public."a/b" (id int primary key, other int);
    create table public."a_b" (id int primary key, other int references public."a/b" deferrable);
    alter table public."a/b" add foreign key (other) references public."a_b" deferrable initially deferred
    """
    lists.write("migrations/003_circle.sql", circle)
    lists.write("rollbacks/003_circle.sql", 'drop table public."a_b", public."a/b"')
    succeeds(lists.invoke("push"))
    sql('insert into public."a/b" values (1, 1); insert into public."a_b" values (1, 1), (2, 1)')
    backup = str(tmp_path / "saved")
    succeeds(lists.invoke("rollback", "--to", "002", "--backup", backup))
    succeeds(lists.invoke("push"))
    succeeds(lists.invoke("restore", backup))
    assert sql('select count(*) from public."a/b" union all select count(*) from public."a_b"') == [(1,), (2,)]


def test_a_column_that_could_not_come_back(lists: Project, sql: Ask, tmp_path: Path) -> None:
    """Of a table without a key: said before it is gone."""
    lists.write("migrations/003_bare.sql", "create table public.bare (a int, b int)")
    lists.write("rollbacks/003_bare.sql", "drop table public.bare")
    lists.write("migrations/004_more.sql", "alter table public.bare add column c int")
    lists.write("rollbacks/004_more.sql", "alter table public.bare drop column c")
    succeeds(lists.invoke("push"))
    sql("insert into public.bare values (1, 2, 3)")
    done = lists.invoke("rollback", "--to", "003", "--backup", str(tmp_path / "saved"))
    refuses(done, 2, "public.bare has no primary key, by which its lost c would be loaded back", "--no-backup")
    assert sql("select c from public.bare") == [(3,)]
    assert [*tmp_path.iterdir()] == []
    both = lists.invoke("rollback", "--to", "003", "--backup", str(tmp_path / "saved"), "--no-backup")
    refuses(both, 2, "both --backup and --no-backup", "")
    refuses(lists.invoke("rollback"), 2, "rollback needs a version", "--to VERSION")


def test_overwritten_values(lists: Project, sql: Ask, tmp_path: Path) -> None:
    """They are saved; who wants them back says so, for others may have written since."""
    lists.write("migrations/003_next.sql", "select 1")
    lists.write("rollbacks/003_next.sql", "update public.lists set title = 'gone'")
    succeeds(lists.invoke("push"))
    before = sql("select title from public.lists order by id")
    backup = str(tmp_path / "saved")
    succeeds(lists.invoke("rollback", "--to", "002", "--backup", backup))
    assert "2 are there, and were left as they are (--overwrite)" in succeeds(lists.invoke("restore", backup)).stdout
    assert sql("select distinct title from public.lists") == [("gone",)]
    succeeds(lists.invoke("restore", backup, "--overwrite"))
    assert sql("select title from public.lists order by id") == before


def test_a_sequence_never_goes_back(lists: Project, sql: Ask, tmp_path: Path) -> None:
    """A restore moves it on to the largest value, and leaves it where it is further."""
    backup = str(tmp_path / "saved")
    succeeds(lists.invoke("rollback", "--to", "0", "--backup", backup))
    succeeds(lists.invoke("push"))
    sql("select setval('public.items_id_seq', 500)")
    succeeds(lists.invoke("restore", backup))
    assert sql("select nextval('public.items_id_seq'), nextval('public.lists_id_seq')") == [(501, 3)]


def test_check_of_any_project(lists: Project) -> None:
    """Every migration up, down and up again, with rows; a script that forgets something is named."""
    done = succeeds(lists.invoke("rollback", "--check"))
    assert done.stdout.splitlines() == [
        "✓ 001_lists.sql with 6 rows of public.items, public.lists",
        "✓ 002_color.sql with 6 rows of public.lists",
        "✓ rollback 2 migrations up, down and up again, 12 rows saved and loaded back",
    ]
    lists.write("rollbacks/002_color.sql", "select 1")
    refuses(lists.invoke("rollback", "--check"), 1, "002_color.sql: undone, the database is not what", "002_color.sql")
    shutil.rmtree(lists.folder / "supabase" / "rollbacks")
    refuses(lists.invoke("rollback", "--check"), 1, "supabase/rollbacks has no 001_lists.sql", "001_lists.sql")


def test_a_remote_target(lists: Project) -> None:
    """The same by its URL."""
    succeeds(lists.invoke("rollback", "--to", "0", "--no-backup", **remote_settings(lists)))
    assert set(states(lists).values()) == {"pending"}
