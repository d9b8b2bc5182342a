"""`invoke execute`: one statement by the CLI, several in one transaction."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pushproof.base.waiting import wait_until
from pushproof.target.database import connect
from tests.fix_stack import Project
from tests.tasks.answers import document, refuses, succeeds

Ask = Callable[..., list[tuple[object, ...]]]
ONE_WAY = "one statement: supabase db query"
OTHER_WAY = "2 statements: through a database connection"
VALUES = """
    select 'Zoë ☃' as z, null as nothing, true as yes, '{"é": [1, null]}'::jsonb as doc, array[1, 2] as list,
           timestamptz '2026-01-02 03:04:05+00' as at
"""


@pytest.mark.parametrize(("before", "way"), [("", ONE_WAY), ("select 1;", OTHER_WAY)], ids=["cli", "connection"])
def test_values_are_shown(blank: Project, before: str, way: str) -> None:
    """Columns in the statement's order; null, booleans and JSON as SQL has them, not Python; the way is told."""
    done = succeeds(blank.invoke("execute", "--sql", before + VALUES))
    assert way in done.stderr
    header, _, row, *_ = done.stdout.split(" z ")[1].splitlines()
    assert header.split() == ["nothing", "yes", "doc", "list", "at"]
    shown = row.split("  ")
    cells = [cell.strip() for cell in shown if cell.strip()]
    assert cells[:5] == ["Zoë ☃", "null", "true", '{"é": [1, null]}', "[1, 2]"]
    assert (cells[5][:10], cells[5][11:19]) == ("2026-01-02", "03:04:05")


def test_json(blank: Project) -> None:
    """Rows keep their types."""
    [result] = document(succeeds(blank.invoke("execute", "--json", "--sql", VALUES)))
    assert result["columns"] == ["z", "nothing", "yes", "doc", "list", "at"]
    [row] = result["rows"]
    assert row.pop("at").startswith("2026-01-02T03:04:05")
    assert row == {"z": "Zoë ☃", "nothing": None, "yes": True, "doc": {"é": [1, None]}, "list": [1, 2]}


def test_no_rows(blank: Project) -> None:
    """An empty result shows which columns it would have."""
    done = succeeds(blank.invoke("execute", "--sql", "select 1 as first, 2 as another where false"))
    assert done.stdout.split()[:2] == ["first", "another"]
    assert done.stdout.endswith("(0 rows)\n")


def test_all_or_nothing(blank: Project, sql: Ask, tmp_path: Path) -> None:
    """A file's statements happen together: the second fails, the first is undone."""
    file = tmp_path / "two.sql"
    file.write_text("create table public.two (id int);\nselect * from public.nowhere;\n")
    done = blank.invoke("execute", "--file", str(file))
    refuses(done, 18, 'two.sql line 2: relation "public.nowhere" does not exist (SQLSTATE 42P01)', "invoke migrations")
    assert sql("select to_regclass('public.two')") == [(None,)]
    file.write_text("create table public.two (id int); insert into public.two values (1)")
    assert "CREATE TABLE\nINSERT 0 1\n" in succeeds(blank.invoke("execute", "--file", str(file))).stdout
    assert sql("select * from public.two") == [(1,)]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("select * from nowhere", "42P01"),
        ("selec 1", "42601"),
        ("select 1 / 0", "22012"),
        ("alter table auth.users add column x int", "42501"),
    ],
)
def test_sqlstate_by_the_cli(blank: Project, statement: str, code: str) -> None:
    """One statement's failure has its SQLSTATE too, which the CLI does not tell."""
    done = blank.invoke("execute", "--sql", statement)
    refuses(done, 18, f"(SQLSTATE {code})", "")
    assert ONE_WAY in done.stderr


def test_command_outside_a_transaction(blank: Project) -> None:
    """`vacuum` runs alone; beside another statement the remedy says so."""
    assert "VACUUM" in succeeds(blank.invoke("execute", "--sql", "vacuum")).stdout
    refuses(blank.invoke("execute", "--sql", "select 1; vacuum"), 18, "SQLSTATE 25001", "of its own")


def test_what_python_cannot_hold(blank: Project) -> None:
    """Infinity, years beyond 9999 and bytes come as the server says them."""
    values = "select timestamptz 'infinity' as a, date '20000-01-01' as b, '\\x00ff'::bytea as c; select 1"
    first = document(succeeds(blank.invoke("execute", "--json", "--sql", values)))[0]
    assert first["rows"] == [{"a": "infinity", "b": "20000-01-01", "c": "\\x00ff"}]


@pytest.mark.parametrize("after", ["", "; select 1"], ids=["cli", "connection"])
def test_columns_of_one_name(blank: Project, after: str) -> None:
    """They would hide each other: refused."""
    done = blank.invoke("execute", "--sql", "select 1 as a, 2 as a" + after)
    refuses(done, 2, "two columns are named a", "differently")


def test_narrow_coding(blank: Project) -> None:
    """A terminal that has no code for a letter gets an escape, not a failure."""
    done = succeeds(blank.invoke("execute", "--sql", "select 'é' as a; select 1", PYTHONIOENCODING="ascii"))
    assert "\\xe9" in done.stdout


def test_binary_file(blank: Project, tmp_path: Path) -> None:
    """What is no text is not sent."""
    file = tmp_path / "x.sql"
    file.write_bytes(b"\x7fELF\xff\x00")
    refuses(blank.invoke("execute", "--file", str(file)), 2, "it is not UTF-8 text", "UTF-8")


@pytest.mark.parametrize("before", ["", "select 1;"], ids=["cli", "connection"])
def test_an_interruption_undoes_it(blank: Project, sql: Ask, before: str) -> None:
    """By either way: the server ends a statement whose client is gone."""
    running = "select 1 from pg_catalog.pg_stat_activity where query like '%left_behind%' and pid <> pg_backend_pid()"
    slow = f"{before}create table public.left_behind as select 1 as a from pg_catalog.pg_sleep(100)"
    with blank.popen("execute", "--sql", slow) as task:
        assert wait_until(lambda: sql(running), timeout=30)
        task.send_signal(signal.SIGINT)
        task.communicate()
    assert task.returncode == 130
    assert wait_until(lambda: not sql(running), timeout=30)
    assert sql("select pg_catalog.to_regclass('public.left_behind')") == [(None,)]


def test_an_interruption_while_it_waits_for_a_lock(blank: Project, sql: Ask) -> None:
    """The columns are asked for first, which waits as the statement would."""
    sql("create table public.held (id int)")
    waiting = "select from pg_catalog.pg_locks where not granted and relation = 'public.held'::regclass"
    with connect(blank.stack.target(), autocommit=False) as holder:
        holder.execute("lock table public.held in access exclusive mode")
        with blank.popen("execute", "--sql", "update public.held set id = 1") as task:
            assert wait_until(lambda: holder.execute(waiting).rowcount, timeout=30)
            task.send_signal(signal.SIGTERM)
            task.communicate(timeout=20)
    assert task.returncode == 143


@pytest.mark.parametrize("before", ["", "select 1;"], ids=["cli", "connection"])
def test_what_is_deferred_has_a_time_limit(blank: Project, sql: Ask, before: str) -> None:
    """PostgreSQL has none for a COMMIT, where triggers may run that never return."""
    sql("""
        create table public.notes (id int);
        create function public.late() returns trigger language plpgsql as
          'begin loop perform pg_sleep(1); end loop; end';
        create constraint trigger late after insert on public.notes deferrable initially deferred
          for each row execute function public.late();
    """)
    done = blank.invoke(
        "execute", "--sql", f"{before}insert into public.notes values (1)", PUSHPROOF_STATEMENT_TIMEOUT="2s"
    )
    assert done.code == 18, done.output
    assert sql("select count(*) from public.notes") == [(0,)]
    assert sql("select count(*) from pg_stat_activity where state = 'active' and wait_event = 'PgSleep'") == [(0,)]
