"""Both majors of the CLI lead to the same end, good or bad."""

from __future__ import annotations

from collections.abc import Callable

from pushproof.target.database import connect
from tests.fix_stack import Project
from tests.tasks.answers import document, refuses, remote_settings, says, states, succeeds

Ask = Callable[..., list[tuple[object, ...]]]


def test_push(blank: Project, sql: Ask, either_cli: dict[str, str]) -> None:
    """Dry run, push, a file that fails, a file that comes late: to any target, by URL."""
    target = remote_settings(blank) | either_cli
    blank.write("migrations/001_a.sql", "create table public.a (id int)")
    blank.write("migrations/003_c.sql", "create table public.c (id int)")
    assert document(blank.invoke("push", "--no-lint", "--dry-run", "--json", **target))["migrations"] == [
        "001_a.sql",
        "003_c.sql",
    ]
    assert states(blank) == {"001": "pending", "003": "pending"}
    succeeds(blank.invoke("push", "--no-lint", "--skip-rehearsal", **target))
    assert states(blank) == {"001": "applied", "003": "applied"}
    late = blank.write("migrations/002_b.sql", "create table public.b (id int)")
    refuses(blank.invoke("push", "--no-lint", **target), 19, "002_b.sql would come before 003", "--include-all")
    succeeds(blank.invoke("push", "--no-lint", "--include-all", "--skip-rehearsal", **target))
    late.write_text("select 'edited'")
    blank.write("migrations/004_d.sql", "create table public.d (id int);\nselect * from public.nowhere")
    done = blank.invoke("push", "--no-lint", "--skip-rehearsal", **target)
    refuses(done, 18, '004_d.sql, statement 2: relation "public.nowhere" does not exist (SQLSTATE 42P01)', "migration")
    assert states(blank) == {"001": "applied", "002": "edited", "003": "applied", "004": "pending"}
    assert sql("select to_regclass('public.d')") == [(None,)]


def test_a_lock_is_not_waited_for_in_vain(blank: Project, either_cli: dict[str, str]) -> None:
    """The time-out reaches the session of the push."""
    blank.write("migrations/001_a.sql", "create table public.a (id int)")
    succeeds(blank.invoke("push", **either_cli))
    blank.write("migrations/002_a.sql", "alter table public.a add column x int")
    with connect(blank.stack.target(), autocommit=False) as reader:
        reader.execute("select from public.a")
        with blank.popen("push", PUSHPROOF_LOCK_TIMEOUT="50ms", **either_cli) as task:
            assert says(task.stderr, "(SQLSTATE 55P03): again in 1 s")
            reader.rollback()
            task.communicate()
    assert task.returncode == 0


def test_a_statement_that_keeps_its_time_limit_from_ending_it(blank: Project, either_cli: dict[str, str]) -> None:
    """Its session is ended: in a rehearsal and in a push."""
    body = "loop begin perform pg_sleep(60); exception when query_canceled then null; end; end loop;"
    blank.write("migrations/001_a.sql", "create table public.a (id int)")
    blank.write("migrations/002_b.sql", f"do $$ begin {body} end $$;")
    settings = {"PUSHPROOF_STATEMENT_TIMEOUT": "1s"} | either_cli
    done = blank.invoke("push", "--no-lint", **settings, **remote_settings(blank))
    refuses(done, 18, "002_b.sql:1: a statement kept running after its time limit", "query_canceled")
    assert states(blank) == {"001": "pending", "002": "pending"}
    done = blank.invoke("push", "--skip-rehearsal", **settings)
    refuses(done, 18, "002_b.sql: a statement kept running after its time limit", "query_canceled")
    assert states(blank) == {"001": "applied", "002": "pending"}


def test_a_push_without_a_time_limit(blank: Project, either_cli: dict[str, str]) -> None:
    """0 is none, for the server and for us: a statement takes the time that it takes."""
    blank.write("migrations/001_a.sql", "select pg_sleep(13)")
    settings = {"PUSHPROOF_STATEMENT_TIMEOUT": "0s"} | either_cli | remote_settings(blank)
    succeeds(blank.invoke("push", "--no-lint", **settings))
    assert states(blank) == {"001": "applied"}


def test_repair(blank: Project, sql: Ask, either_cli: dict[str, str]) -> None:
    """The history follows the files."""
    first = blank.write("migrations/001_a.sql", "select 1")
    second = blank.write("migrations/002_b.sql", "select 2")
    succeeds(blank.invoke("push", **either_cli))
    first.write_text("select 'one'")
    second.unlink()
    succeeds(blank.invoke("migrations", "--repair", "--keep", "files", "--yes", **either_cli))
    found = sql("select version, statements from supabase_migrations.schema_migrations")
    assert found == [("001", ["select 'one'"])]


def test_execute_and_reset(blank: Project, sql: Ask, either_cli: dict[str, str]) -> None:
    """One statement goes through the CLI, as does a reset; its errors are read alike."""
    blank.write("migrations/001_a.sql", "create table public.a (id int)")
    blank.write("seed.sql", "insert into public.a values (1)")
    succeeds(blank.invoke("reset-local", **either_cli))
    assert document(blank.invoke("execute", "--sql", "select id from public.a", "--json", **either_cli))[0]["rows"] == [
        {"id": 1}
    ]
    done = blank.invoke("execute", "--sql", "insert into public.a values (1/0)", **either_cli)
    refuses(done, 18, "division by zero (SQLSTATE 22012)", "")


def test_a_config_of_an_earlier_cli(bare: Project, either_cli: dict[str, str]) -> None:
    """Its sections are renamed in a copy, which follows the project's files; the project's own is left as it is."""
    config = bare.settings.supabase_dir / "config.toml"
    config.write_text(config.read_text() + "\n[inbucket]\nport = 54324\n")
    former = config.read_bytes()
    bare.write("migrations/001_a.sql", "create table public.a (id int primary key);")
    bare.write("seed.sql", "insert into public.a values (1);")
    done = succeeds(bare.invoke("push", **either_cli))
    assert "[inbucket] is called [local_smtp] now: rename it" in done.stderr
    bare.write("migrations/002_b.sql", "create table public.b (id int primary key);")
    assert "002_b.sql" in succeeds(bare.invoke("push", **either_cli)).stdout
    succeeds(bare.invoke("reset-local", **either_cli))
    with connect(bare.stack.target()) as connection:
        assert connection.execute("select count(*) from public.a").fetchone() == (1,)
    assert config.read_bytes() == former
