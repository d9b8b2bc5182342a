"""What a push would do, said before it does it."""

from __future__ import annotations

from collections.abc import Callable

from pushproof.target.database import connect
from tests.fix_stack import Project
from tests.tasks.answers import document, refuses, remote_settings, states, succeeds

Ask = Callable[..., list[tuple[object, ...]]]
TABLE = """
    create table public.notes (id int primary key, title text);
    insert into public.notes select n, 'x' from generate_series(1, 1000) n;
    analyze public.notes
"""
PENDING = """-- Three that hurt, one that does not.
alter table public.notes drop column title;
create index notes_id on public.notes (id);
create table public.more (id int references public.notes);
alter table public.more add column x int;
do $$ begin end $$;
"""


def test_plan(blank: Project, sql: Ask) -> None:
    """Statements with their lines, what they lock and for whom that hurts, what is lost; nothing is changed."""
    sql(TABLE)
    blank.write("migrations/001_a.sql", PENDING)
    with connect(blank.stack.target(), autocommit=False) as reader:
        reader.execute("select from public.notes")
        shown = succeeds(blank.invoke("push", "--dry-run")).stdout
        (file,) = document(blank.invoke("push", "--dry-run", "--json"))["plan"]
    drop, index, create, alter, do = file["statements"]
    assert [s["line"] for s in file["statements"]] == [2, 3, 4, 5, 6]
    assert drop["loses"] == "column title with its values (1,000 rows now)"
    (lock,) = drop["locks"]
    assert (lock["mode"], lock["blocks"], lock["work"]) == ("AccessExclusiveLock", "reads and writes", None)
    assert (lock["use"]["rows"], lock["use"]["sessions"], lock["use"]["writes"]) == (1000, 1, 1000)
    assert lock["use"]["bytes"] > 50_000
    assert [(lock["blocks"], lock["work"]) for lock in index["locks"]] == [("writes", "builds an index")]
    assert [lock["relation"] for lock in create["locks"]] == ["public.notes"]
    assert [lock["use"] for lock in alter["locks"]] == [None]  # of this push's own making: nobody waits
    assert do["opaque"]
    assert "! loses column title with its values (1,000 rows now)" in shown
    assert "! blocks writes of public.notes (1,000 rows, " in shown
    assert "; in use by 1 session now) while it builds an index" in shown
    assert "of public.more" not in shown
    assert sql("select count(title) from public.notes") == [(1000,)]
    assert states(blank) == {"001": "pending"}


def test_names_that_need_quotes(blank: Project, sql: Ask) -> None:
    """They are found on the target too."""
    sql('create table public."My Notes" (id int); insert into public."My Notes" values (1); analyze public."My Notes"')
    blank.write("migrations/001_a.sql", 'truncate public."My Notes"')
    (file,) = document(blank.invoke("push", "--dry-run", "--json"))["plan"]
    assert file["statements"][0]["loses"] == 'every row of public."My Notes" (1 row now)'


def test_losses_stop_a_remote_push(blank: Project, sql: Ask) -> None:
    """Not so on the stack of this checkout; with the option they are what was meant."""
    sql(TABLE)
    blank.write("migrations/001_a.sql", "drop table public.notes cascade")
    done = blank.invoke("push", "--no-lint", **remote_settings(blank))
    refuses(done, 21, "1 statement loses existing data", "--allow-loss")
    assert "001_a.sql:1 loses every row of public.notes, and whatever depends on it (1,000 rows now)" in done.stderr
    assert states(blank) == {"001": "pending"}
    succeeds(blank.invoke("push", "--no-lint", "--allow-loss", **remote_settings(blank)))
    assert states(blank) == {"001": "applied"}
    sql(TABLE)
    blank.write("migrations/002_b.sql", "delete from public.notes")
    assert "loses every row of public.notes (1,000 rows now)" in succeeds(blank.invoke("push")).stderr
