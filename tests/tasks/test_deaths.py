"""A service that dies while a task runs is named, and what was seen since is no verdict about the schema."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from pushproof.base import process
from pushproof.base.errors import PushproofError
from pushproof.base.waiting import wait_until
from pushproof.stack.supervisor import MARK
from pushproof.target.database import connect
from tests.fix_stack import Project, Task
from tests.tasks.answers import remote_settings, says, succeeds

TOKEN = "PUSHPROOF_TRIAL"
VERDICTS = ("not as declared", "smoke failed", "fix the schema", "mutants killed", "tests passed", '"cells"')
BUSY = "select from pg_stat_activity where usename = 'authenticator' and state <> 'idle'"
SERVICES = ("postgres", "postgrest", "origin")


@pytest.fixture(scope="module")
def doomed(projects: Callable[..., Project]) -> Project:
    """A project that was pushed."""
    project = projects()
    succeeds(project.invoke("push"))
    return project


@pytest.fixture
def home(doomed: Project) -> Iterator[Project]:
    """Its stack runs, and no user of a former run is left."""
    doomed.stack.start()
    yield doomed
    doomed.stack.start()
    succeeds(doomed.invoke("sweep"))


def kill(*victims: psutil.Process) -> None:
    """With their children, as a machine that is short of memory may."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill([*victims, *(child for one in victims for child in one.children(recursive=True))])


def service(project: Project, name: str) -> psutil.Process:
    return psutil.Process(project.stack.state.services[name].pid)


def amid(project: Project) -> None:
    """Wait until test users have rows of their own."""
    with connect(project.stack.target()) as connection:
        assert wait_until(lambda: connection.execute("select from public.brands").rowcount > 0, timeout=60)


def test_what_postgrest_repeats_for_a_gateway_that_died(home: Project) -> None:
    """A new gateway does not know of it: the start ends it."""
    target = home.stack.target()
    url, headers = f"{target.url}/rest/v1/rpc/again", {"apikey": target.publishable_key}
    with connect(target) as connection:
        connection.execute("""
            create function public.again() returns text language plpgsql as
              $$ begin raise exception 'a newer version is there' using errcode = 'serialization_failure'; end $$;
            grant execute on function public.again() to anon;
        """)

        def is_repeated() -> bool:
            with contextlib.suppress(httpx.TimeoutException):
                httpx.post(url, headers=headers, json={}, timeout=1)
            return bool(connection.execute(BUSY).rowcount)

        try:
            assert wait_until(is_repeated, timeout=30)
            kill(service(home, "origin"))
            home.stack.start()
            assert wait_until(lambda: not any(connection.execute(BUSY).rowcount for _ in range(50)), timeout=10)
        finally:
            connection.execute("drop function public.again")


def names(task: Task, how: str) -> None:
    """Exit 13, one line of what died and one of what to do, no verdict."""
    out, err = task.communicate()
    errors = [line for line in err.splitlines() if line.startswith("ERROR ") and "tests/smoke" not in line]
    assert (task.returncode, len(errors)) == (13, 1), out + err
    assert errors[0].startswith(f"ERROR {how} while the task ran"), out + err
    assert "FIX   `invoke start`, then run this again" in err
    assert "a bug" not in err
    assert not [words for words in VERDICTS if words in out + err], out + err


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("words", [("rls", "--json"), ("smoke",)], ids=" ".join)
def test_a_service_that_was_killed(home: Project, tmp_path: Path, words: tuple[str, ...], name: str) -> None:
    """Neither cells nor tests fail for it, and no file for programs says that they do."""
    files = {"rls": ("--junit", str(tmp_path / "junit.xml"), "--sarif", str(tmp_path / "sarif"))}.get(words[0], ())
    with home.popen(*words, *files) as task:
        amid(home)
        kill(service(home, name))
        names(task, f"{name} died")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("rls", "--no-findings"), ("smoke",)], ids=" ".join)
def test_a_session_that_was_killed(home: Project, words: tuple[str, ...]) -> None:
    """PostgreSQL then ends all others and recovers in a moment: its services live, and yet no answer counts."""
    with home.popen(*words) as task:
        amid(home)

        def crash() -> bool:
            with contextlib.suppress(PushproofError), connect(home.stack.target()) as connection:
                psutil.Process(connection.info.backend_pid).kill()
            return task.poll() is not None

        assert wait_until(crash, timeout=60, interval=0.5)  # once may pass unnoticed between two requests
        names(task, "postgres crashed and recovered")


@pytest.mark.parametrize("sql", ["select pg_sleep(60)", "select pg_sleep(60); select 1"])
def test_a_statement_whose_server_was_killed(home: Project, sql: str) -> None:
    """It is no mistake in the SQL."""
    with home.popen("execute", "--sql", sql) as task, connect(home.stack.target()) as connection:
        asleep = "select exists (select from pg_stat_activity where wait_event = 'PgSleep')"
        assert wait_until(lambda: connection.execute(asleep).fetchone() == (True,), timeout=60)
        kill(service(home, "postgres"))
        names(task, "postgres died")


def test_a_panel_whose_server_was_killed(home: Project) -> None:
    """A panel without an answer is shown as that; a database without one is no panel's."""
    panel = home.write("monitor/aa_slow.sql", "-- Slow.\n-- x\nselect pg_sleep(1.9), 1 as a")
    try:
        with home.popen("monitor") as task, connect(home.stack.target()) as connection:
            asleep = "select exists (select from pg_stat_activity where wait_event = 'PgSleep')"
            assert wait_until(lambda: connection.execute(asleep).fetchone() == (True,), timeout=60)
            kill(service(home, "postgres"))
            names(task, "postgres died")
    finally:
        panel.unlink()


@pytest.fixture
def client(home: Project, projects: Callable[..., Project]) -> Project:
    """The same files, whose target is that stack as somebody else's."""
    made = projects()
    made.write_env("\n".join(f"{name}={value}" for name, value in remote_settings(home).items()))
    return made


@pytest.mark.parametrize("name", SERVICES)
def test_an_address_that_stops_to_answer(home: Project, client: Project, name: str) -> None:
    """Of a stack that is not ours: exit 15, where it was, no verdict."""
    target = home.stack.target()
    where = {"postgres": target.database.label, "postgrest": f"{target.url}/rest/v1", "origin": target.url}[name]
    with client.popen("rls", "--no-findings") as task:
        amid(home)
        kill(service(home, name))
        out, err = task.communicate()
    assert [where in line for line in err.splitlines() if line.startswith("ERROR ")] == [True], out + err
    assert task.returncode == 15, out + err
    assert not [words for words in VERDICTS if words in out + err], out + err


def started(token: str) -> Iterator[psutil.Process]:
    """The services that a task with this mark started."""
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if one.environ().get(TOKEN) == token and MARK in one.environ():
                yield one


@pytest.mark.parametrize(
    ("suite", "name", "died"),
    [
        ("cells", "bin/postgres", "postgres died"),
        ("cells", "/postgrest", "postgrest_0 died"),
        ("pytest", "origin/main.mjs", "origin_0 died"),
    ],
)
def test_services_of_the_copies_that_were_killed(home: Project, suite: str, name: str, died: str) -> None:
    """A test that fails for it is no kill: gateways that are gone once looked like a score of 100 %."""
    token = uuid.uuid4().hex
    few = ["--only", "using_true"] if suite == "pytest" else []
    with home.popen("mutate", "--suite", suite, *few, **{TOKEN: token}) as task:
        assert says(task.stderr, "baseline: ")
        kill(*(one for one in started(token) if name in " ".join(one.cmdline())))
        names(task, died)
