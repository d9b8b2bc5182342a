"""`invoke bundle`: what is pending, to be pasted into the SQL editor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.fix_stack import REPOSITORY, Project
from tests.tasks.answers import document, refuses, states, succeeds

Ask = Callable[..., list[tuple[object, ...]]]
CHECK = """-- It has a row.
select '1' as expected, count(*)::text as found from public.notes"""
TRICKY = """-- é
create table public.notes (id int, body text default $$a;b$$); -- ends here
insert into public.notes values (1, E'it''s \\\\ 100% {expected}') -- and here"""


def everything(sql: Ask) -> object:
    """The history as it was recorded."""
    return sql("select version, name, statements from supabase_migrations.schema_migrations order by 1")


def test_pasted(blank: Project, sql: Ask, tmp_path: Path) -> None:
    """The history is that of a push; a second time, or in another state, nothing is changed."""
    blank.write("checks/notes.sql", CHECK)
    blank.write("migrations/001_notes.sql", TRICKY)
    blank.write("migrations/002_more.sql", "create table public.more ();")
    first, second = tmp_path / "first.sql", tmp_path / "second.sql"
    succeeds(blank.invoke("bundle", "--out", str(first)))
    succeeds(blank.invoke("bundle", "--from", "001", "--out", str(second)))
    with pytest.raises(
        psycopg.errors.RaiseException, match=r"last applied migration is 001, not none. Nothing was changed"
    ):
        sql(second.read_text())
    assert sql("select to_regclass('public.more'), to_regclass('supabase_migrations.schema_migrations')") == [
        (None, None)
    ]
    sql(first.read_text())
    assert states(blank) == {"001": "applied", "002": "applied"}
    pasted = everything(sql)
    assert "nothing pending" in succeeds(blank.invoke("push")).stdout
    for text in (first.read_text(), second.read_text()):
        with pytest.raises(psycopg.errors.RaiseException, match=r"This was applied already. Nothing was changed"):
            sql(text)
    assert (everything(sql), sql("select count(*) from public.notes")) == (pasted, [(1,)])
    refuses(blank.invoke("bundle"), 2, "nothing is pending", "invoke migrations")


def test_broken_promise(blank: Project, sql: Ask) -> None:
    """A red check takes back all of it."""
    blank.write("checks/notes.sql", CHECK)
    blank.write("migrations/001_notes.sql", "create table public.notes (id int)")
    text = succeeds(blank.invoke("bundle")).stdout
    with pytest.raises(psycopg.errors.RaiseException, match=r"Broken promise: notes. Nothing was changed"):
        sql(text)
    assert sql("select to_regclass('public.notes')") == [(None,)]


def test_this_repository(blank: Project, sql: Ask) -> None:
    """Its four migrations and all of its checks, as one paste; the history token by token that of a push."""
    for folder in ("migrations", "checks"):
        for file in (REPOSITORY / "supabase" / folder).glob("*.sql"):
            blank.write(f"{folder}/{file.name}", file.read_text())
    sql(document(blank.invoke("bundle", "--from", "0", "--json"))["sql"])
    assert set(states(blank).values()) == {"applied"}
    assert document(succeeds(blank.invoke("drift", "--json")))["differences"] == []
    assert len(document(succeeds(blank.invoke("verify", "--json")))) == 25


@pytest.mark.parametrize(
    ("sql_of_file", "code", "cause"),
    [
        (
            "create table public.a (id int); create index concurrently on public.a (id)",
            10,
            "line 1 cannot run in a transaction",
        ),
        ("select 1; commit", 10, "has its own `commit`"),
    ],
)
def test_what_takes_no_part_in_a_transaction(blank: Project, sql_of_file: str, code: int, cause: str) -> None:
    """It is named, and nothing is written."""
    file = blank.write("migrations/001_a.sql", sql_of_file)
    done = blank.invoke("bundle", "--from", "0", "--out", str(file.with_name("out")))
    refuses(done, code, cause, "")
    assert not file.with_name("out").exists()
    refuses(blank.invoke("bundle", "--from", "7"), 2, "there is no migration 7", "--from")
