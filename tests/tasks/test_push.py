"""`invoke push`: what is pending goes in, in order, and is read back."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Callable
from dataclasses import replace

import httpx
import psutil
import pytest

from pushproof.base.errors import SqlError
from pushproof.base.queries import query
from pushproof.base.waiting import exclusive
from pushproof.deploy.pushing import push
from pushproof.stack.run import Run
from pushproof.stack.services.postgres import ADMIN
from pushproof.target.database import connect
from tests.fix_stack import Project, RunningStack
from tests.tasks.answers import document, refuses, remote_settings, says, secrets_of, states, succeeds

Ask = Callable[..., list[tuple[object, ...]]]
EXPOSED = """
    create table public.notes (id int primary key);
    grant select on public.notes to service_role;
    create function public.count_notes() returns bigint stable language sql return (select count(*) from public.notes)
"""


def run_of(project: Project) -> Run:
    """A task's run, in this process."""
    run = Run("", as_json=True)
    run.__dict__["settings"] = project.settings
    return run


def counted(project: Project) -> tuple[int, object]:
    """What the API answers for a function, which it does not know before it has read the schema anew."""
    target = project.stack.target()
    answer = httpx.get(f"{target.url}/rest/v1/rpc/count_notes", headers={"apikey": target.secret_key})
    return answer.status_code, answer.json()


def test_a_dry_run_changes_no_right(blank: Project, sql: Ask) -> None:
    """What a table that is made later is granted stays as it was, though config.toml wants it for all."""
    rights = "select array(select defaclacl::text from pg_default_acl order by oid)"
    config = blank.folder / "supabase" / "config.toml"
    former, before = config.read_text(), sql(rights)
    config.write_text(former.replace("\n[api]", "\n[api]\nauto_expose_new_tables = true"))
    try:
        blank.write("migrations/001_a.sql", "create table public.a (id int)")
        assert blank.invoke("push", "--dry-run").code == 0
        assert sql(rights) == before
    finally:
        config.write_text(former)


def test_from_dry_run_to_nothing_pending(blank: Project, sql: Ask) -> None:
    """A dry run changes nothing and holds no check against what is not there yet; a push goes in order and is seen by
    the API at once, a second has nothing to do.
    """
    blank.write("checks/notes.sql", "-- One.\nselect '1' as expected, count(*)::text as found from public.notes")
    blank.write("migrations/001_notes.sql", EXPOSED)
    blank.write("migrations/002_more.sql", "insert into public.notes values (1); -- needs 001")
    files = ["001_notes.sql", "002_more.sql"]
    planned = document(blank.invoke("push", "--dry-run", "--json"))
    assert (planned["dry_run"], planned["migrations"]) == (True, files)
    assert [[s["line"] for s in p["statements"]] for p in planned["plan"]] == [[2, 3, 4], [1]]
    assert sql("select to_regclass('public.notes'), to_regclass('supabase_migrations.schema_migrations')") == [
        (None, None)
    ]
    pushed = succeeds(blank.invoke("push"))
    lines = [*(f"✓ pushed {name}" for name in files), "✓ verify: 1 of 1 checks are green"]
    assert [line for line in pushed.stdout.splitlines() if line] == lines
    assert counted(blank) == (200, 1)
    assert states(blank) == {"001": "applied", "002": "applied"}
    nothing = {"dry_run": False, "migrations": [], "plan": [], "problems": [], "rehearsal": None}
    assert document(blank.invoke("push", "--json")) == nothing


def test_api_that_is_not_told(blank: Project) -> None:
    """Where no event trigger tells the API of a new table, as on hosted projects that dropped theirs, the push does."""
    state = blank.stack.state
    watch = "alter event trigger pgrst_ddl_watch {0}; alter event trigger pgrst_drop_watch {0}"
    blank.write("migrations/001_notes.sql", EXPOSED)
    admin = replace(blank.stack.target().database, user=ADMIN, password=state.passwords[ADMIN])
    with connect(replace(blank.stack.target(), database=admin)) as connection:
        connection.execute(watch.format("disable").encode())
        try:
            push(run_of(blank))
            answer = counted(blank)
        finally:
            connection.execute(watch.format("enable").encode())
    assert answer == (200, 0)


def test_sql_that_fails(blank: Project, sql: Ask) -> None:
    """File, statement, SQLSTATE and advice; the earlier file stays and is reported, the failing one leaves nothing."""
    blank.write("migrations/001_a.sql", "create table public.notes (id int primary key)")
    text = "create table public.half (); insert into public.notes values (1);\nselect * from public.nowhere"
    blank.write("migrations/002_b.sql", text)
    done = blank.invoke("push", "--json")
    cause = '002_b.sql, statement 3: relation "public.nowhere" does not exist (SQLSTATE 42P01)'
    refuses(done, 18, cause, "invoke migrations")
    error = document(done)["error"]
    assert error["message"] == cause
    assert error["details"].splitlines()[0] == "applied before it: 001_a.sql"
    assert "applied before it: 001_a.sql" in done.stderr
    assert states(blank) == {"001": "applied", "002": "pending"}
    assert sql("select to_regclass('public.half'), count(*) from public.notes") == [(None, 0)]


def test_a_file_that_commits_itself(blank: Project, sql: Ask) -> None:
    """What it committed before it failed stays, and the error says so."""
    blank.write("migrations/001_a.sql", "do $$ begin create table public.half (); commit; end $$; select 1/0")
    done = blank.invoke("push", "--json")
    refuses(done, 18, "division by zero", "fix the SQL")
    assert document(done)["error"]["details"].splitlines()[0] == (
        "applied before it: nothing; what 001_a.sql committed by itself stays: `invoke drift` shows it"
    )
    assert sql("select to_regclass('public.half')::text") == [("half",)]


@pytest.mark.parametrize(
    ("statement", "sqlstate", "advice"),
    [
        ("alter table auth.users add column x int", "42501", "no superuser"),
        ("create table a (id int check (id > 1)); insert into a values (1)", "23514", "find them"),
        ("create function f() returns int language sql as 'select 1';" * 2, "42723", "create or replace function"),
        ("do $$ begin raise exception E'first line\\nsecond'; end $$", "P0001", "raised this"),
    ],
)
def test_advice(blank: Project, statement: str, sqlstate: str, advice: str) -> None:
    """Each frequent failure has its own remedy, and a cause of one line."""
    blank.write("migrations/001_a.sql", statement)
    with pytest.raises(SqlError) as caught:
        push(run_of(blank))
    assert caught.value.message.startswith("001_a.sql, statement ")
    assert caught.value.message.endswith(f"(SQLSTATE {sqlstate})")
    assert "\n" not in caught.value.message
    assert advice in caught.value.hint


@pytest.mark.parametrize("text", ["create table public.a ();\n-- done\ncommit;", "select 1;\n\nCOMMIT;\nselec 1"])
def test_own_commit_is_refused(blank: Project, sql: Ask, text: str) -> None:
    """A file that ends its transaction is refused before anything runs, also where the rest does not parse."""
    blank.write("migrations/001_fine.sql", "create table public.fine ()")
    blank.write("migrations/002_commits.sql", text)
    refuses(blank.invoke("push"), 10, "002_commits.sql line 3 has its own", "leave it out")
    assert sql("select to_regclass('public.fine')") == [(None,)]


def test_claim_without_deed(blank: Project, stand_in: Callable[[str, str], str]) -> None:
    """A CLI that says it pushed is not believed: the history is."""
    blank.write("migrations/001_a.sql", "select 1")
    liar = stand_in("db push", json.dumps({"upToDate": False, "migrations": ["001_a.sql"]}))
    refuses(blank.invoke("push", SUPABASE_CLI=liar), 19, "001_a.sql is pending", "invoke migrations")


@pytest.mark.parametrize(
    ("statement", "code", "cause"),
    [
        ("delete from supabase_migrations.schema_migrations", 19, "the push removed 001 from the history"),
        ("drop schema supabase_migrations cascade", 18, "supabase_migrations"),
    ],
)
def test_a_file_that_takes_the_history(blank: Project, statement: str, code: int, cause: str) -> None:
    """It is not green: neither the push, nor its rehearsal where the schema is gone."""
    blank.write("migrations/001_a.sql", "create table public.a (id bigint primary key);")
    succeeds(blank.invoke("push"))
    blank.write("migrations/002_b.sql", statement)
    if code == 18:
        refuses(blank.invoke("push", "--rehearse"), 18, "the history's row of 002_b", "take that out")
    refuses(blank.invoke("push"), code, cause, "")


def test_no_secret_leaves(blank: Project) -> None:
    """Not by the arguments of any process of a push and its rehearsal, its words, its JSON, or a file of ours."""
    blank.write("migrations/001_a.sql", "select pg_sleep(0.5)")
    seen: set[str] = set()
    with blank.popen("push", "--json", **remote_settings(blank)) as task:
        while task.poll() is None:
            for child in psutil.Process(task.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    seen.add(" ".join(child.cmdline()))
        out, err = task.communicate()
    assert task.returncode == 0, err
    assert any("db push" in words for words in seen)
    assert any("postgrest" in words for words in seen)  # the rehearsal's
    files = [f for f in blank.folder.rglob("*") if f.is_file() and f.name != "state.json" and "data" not in f.parts]
    everything = "\n".join((*seen, out, err, *(f.read_text(errors="replace") for f in files)))
    assert [s for s in secrets_of(blank) if s in everything] == []


def test_the_environment_bends_no_connection(project: Project, stack: RunningStack) -> None:
    """libpq's variables would lead past the target that is named at the top."""
    done = project.invoke("migrations", PGHOSTADDR="127.0.0.9", PGSSLMODE="require")
    assert succeeds(done).stdout.count("applied") >= 4


def test_one_push_at_a_time(blank: Project, sql: Ask) -> None:
    """Who comes second waits, says for whom, and finds nothing left to do."""
    blank.write("migrations/001_slow.sql", "create table public.slow (id int)")
    with connect(blank.stack.target()) as other:
        other.execute(query("migrations/push_lock"))
        with blank.popen("push") as first, blank.popen("push") as second:
            waits = (
                "waiting for pushproof of postgres at 127.0.0.1",
                "waiting for `invoke push` (process",
            )
            for push_ in (first, second):
                assert says(push_.stderr, *waits)
            assert sql("select to_regclass('public.slow') is null") == [(True,)]
            other.close()
            outputs = [push_.communicate()[0] for push_ in (first, second)]
        assert (first.returncode, second.returncode) == (0, 0)
    assert sorted("pushed 001_slow.sql" in output for output in outputs) == [False, True]
    assert states(blank) == {"001": "applied"}


@pytest.mark.parametrize("task", ["reset-local", "rollback --to 0", "migrations --repair --yes", "rls", "sweep"])
def test_who_changes_the_same_database_waits(blank: Project, sql: Ask, task: str) -> None:
    """Two tasks at once end as they do one after the other; the second one says for whom it waits."""
    blank.write("migrations/001_slow.sql", "create table public.slow (id int)")
    blank.write("rollbacks/001_slow.sql", "drop table public.slow")
    with connect(blank.stack.target()) as other:
        other.execute(query("migrations/push_lock"))
        with blank.popen("push") as push_:
            assert says(push_.stderr, "waiting for pushproof of postgres")
            with blank.popen(*task.split()) as second:
                assert says(second.stderr, f"waiting for `invoke push` (process {push_.pid}), which uses this database")
                other.close()
                out, err = second.communicate()
            assert push_.wait() == 0
    assert second.returncode == (22 if task == "rls" else 0), out + err  # no access.toml here
    assert sql("select to_regclass('public.slow') is null") == [(task.startswith("rollback"),)]


def test_the_lock_of_a_remote_database(blank: Project) -> None:
    """Who only uses it shares the lock with others, and a push waits for them; of each it is said."""
    blank.write("migrations/001_a.sql", "select 1")
    remote = remote_settings(blank)
    with connect(blank.stack.target()) as other:
        other.execute(query("migrations/push_lock_shared"))
        assert blank.invoke("sweep", **remote).code == 0
        with blank.popen("push", **remote) as push_:
            assert says(push_.stderr, "waiting for pushproof of postgres at 127.0.0.1")
            other.close()
            assert push_.wait(60) == 0


def test_readers_of_a_database_do_not_wait_for_each_other(blank: Project) -> None:
    """Two that only use what is there go on side by side."""
    with exclusive(blank.settings.state_dir / "turns" / "lock", shared=True):
        assert blank.invoke("sweep").code == 0
        with blank.popen("push") as push_:
            assert says(push_.stderr, "waiting for a task that has just ended")
            push_.send_signal(signal.SIGINT)
            assert push_.wait(30) == 130


def test_a_function_that_the_api_cannot_call_is_not_waited_for(blank: Project) -> None:
    """It calls arguments by their names."""
    blank.write("migrations/001_a.sql", "create function public.twice(int) returns int language sql return $1 * 2")
    assert "does not show" not in succeeds(blank.invoke("push")).stderr


def test_a_locked_table_is_tried_again(blank: Project, sql: Ask) -> None:
    """Within the time-out nobody queues behind the push; what had landed before stays, the rest follows."""
    blank.write("migrations/001_a.sql", "create table public.a (id int)")
    assert blank.invoke("push").code == 0
    blank.write("migrations/002_b.sql", "create table public.b (id int)")
    blank.write("migrations/003_c.sql", "alter table public.a add column note text")
    with connect(blank.stack.target(), autocommit=False) as reader:
        reader.execute("select from public.a")
        with blank.popen("push", PUSHPROOF_LOCK_TIMEOUT="50ms") as push_:
            assert says(push_.stderr, "(SQLSTATE 55P03): again in 1 s")
            assert states(blank) == {"001": "applied", "002": "applied", "003": "pending"}
            reader.rollback()
            output, _ = push_.communicate()
    assert push_.returncode == 0
    assert [line for line in output.splitlines() if "pushed" in line] == ["✓ pushed 002_b.sql", "✓ pushed 003_c.sql"]


def test_a_history_that_somebody_holds(blank: Project) -> None:
    """The push says so within its time for a lock, whatever it was about to read."""
    blank.write("migrations/001_a.sql", "create table public.a (id bigint primary key);")
    succeeds(blank.invoke("push"))
    with connect(blank.stack.target(), autocommit=False) as holder:
        holder.execute("lock table supabase_migrations.schema_migrations in access exclusive mode")
        done = blank.invoke("push", PUSHPROOF_LOCK_TIMEOUT="300ms")
    refuses(done, 18, "a lock could not be acquired in time", "monitor")


def test_production_is_pushed_to_by_its_name(blank: Project, sql: Ask) -> None:
    """Not without, not with another's; what would happen may always be asked."""
    blank.write("migrations/001_a.sql", "create table public.a (id int)")
    reference = blank.stack.target().url.removeprefix("http://")
    refuses(blank.invoke("push", SUPABASE_PRODUCTION="true"), 21, "marked as production", f"--confirm {reference}")
    done = blank.invoke("push", "--confirm", "another", SUPABASE_PRODUCTION="true")
    refuses(done, 21, "'another' is not its reference", reference)
    assert blank.invoke("push", "--dry-run", SUPABASE_PRODUCTION="true").code == 0
    assert states(blank) == {"001": "pending"}
    succeeds(blank.invoke("push", "--confirm", reference, SUPABASE_PRODUCTION="true"))
    assert states(blank) == {"001": "applied"}


def test_the_linter_stops_a_remote_push(blank: Project) -> None:
    """Not one to the stack of this checkout; an ignore with its reason lets it through."""
    file = blank.write("migrations/001_a.sql", "create table public.a (id bigint);")
    refuses(blank.invoke("push", **remote_settings(blank)), 1, "001_a.sql line 1, table-without-rls", "--no-lint")
    assert [p["rule"] for p in document(blank.invoke("push", "--dry-run", "--json"))["problems"]] == [
        "table-without-grant",
        "table-without-rls",
    ]
    assert states(blank) == {"001": "pending"}
    ignore = "-- pushproof: ignore table-without-rls, table-without-grant: nobody reads it\n"
    file.write_text(ignore + file.read_text())
    succeeds(blank.invoke("push", "--skip-rehearsal", **remote_settings(blank)))
    assert states(blank) == {"001": "applied"}


def test_a_broken_promise_is_told_at_once(blank: Project) -> None:
    """After the push the checks are held against the target; what was pushed stays, and the run fails."""
    blank.write("checks/notes.sql", "-- Two.\nselect '2' as expected, count(*)::text as found from public.notes")
    blank.write("migrations/001_a.sql", "create table public.notes (id int); insert into public.notes values (1)")
    done = blank.invoke("push")
    refuses(done, 1, "pushed, but notes is red", "invoke rollback --to")
    assert "expected 2" in done.stdout
    assert states(blank) == {"001": "applied"}
    blank.write("migrations/002_b.sql", "insert into public.notes values (2)")
    assert "verify: 1 of 1 checks are green" in succeeds(blank.invoke("push")).stdout
