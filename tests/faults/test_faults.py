"""What goes wrong in the middle of a push: nothing is lost, nothing half done, and a rerun converges.

`invoke faults` prints what was observed of each.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import psutil
import pytest

from pushproof.base.process import kill
from pushproof.base.waiting import wait_until
from pushproof.stack.services.postgres import ADMIN
from pushproof.target.database import connect
from tests.fix_stack import Connection, Project
from tests.tasks.answers import states

FILES = 5
MIDDLE = 3  # the file in which most of it happens
GATE = 4242  # an advisory lock that holds a push in the middle of a file
FILLING = "create unlogged table public.filling as select repeat('x', 1000) from generate_series(1, 300000);"
WAITING = "select pid from pg_stat_activity where wait_event = 'advisory'"
PATIENT = {"PUSHPROOF_LOCK_TIMEOUT": "10min"}


@dataclass(frozen=True)
class Scene:
    """A project with five pending files, each a table with one row, and a table of before that may lose nothing."""

    project: Project

    def files(self, **changed: str) -> None:
        for number in range(1, FILES + 1):
            text = f"create table public.t{number} (id int primary key);\n{{}}\ninsert into public.t{number} values (1)"
            self.project.write(f"migrations/00{number}_t.sql", text.format(changed.get(f"t{number}", "")))

    @contextlib.contextmanager
    def stopped_in_the_middle(self, **settings: str) -> Iterator[tuple[subprocess.Popen[str], Connection]]:
        """A push that waits within its third file until the connection that is yielded lets it go on."""
        self.files(**{f"t{MIDDLE}": f"select pg_catalog.pg_advisory_xact_lock({GATE});"})
        with self.project.popen("push", **PATIENT | settings) as task, connect(self.project.stack.target()) as gate:
            gate.execute(f"select pg_catalog.pg_advisory_lock({GATE})".encode())
            assert wait_until(lambda: gate.execute(WAITING).fetchall(), timeout=60), task.communicate()
            yield task, gate
        self.files()

    def ask(self, text: str) -> list[tuple[object, ...]]:
        with connect(self.project.stack.target()) as connection:
            return connection.execute(text.encode()).fetchall()

    def check(self) -> list[str]:
        """The applied versions, each whole, the others without a trace, and what was there before as it was."""
        found = {version for version, state in states(self.project).items() if state == "applied"}
        for number in range(1, FILES + 1):
            there = self.ask(f"select to_regclass('public.t{number}') is not null") == [(True,)]
            assert there == (f"00{number}" in found), f"t{number} is half done"
            assert not there or self.ask(f"table public.t{number}") == [(1,)]
        assert self.ask("select count(*) from public.kept") == [(100,)]
        return sorted(found)

    def converge(self) -> None:
        """A rerun applies what is left."""
        done = self.project.invoke("push")
        assert done.code == 0, done.output
        assert self.check() == [f"00{number}" for number in range(1, FILES + 1)]


Fault = Callable[[Scene], str]
FAULTS: dict[str, Fault] = {}


def fault(what: str) -> Callable[[Fault], Fault]:
    """Registers one: it does the damage, and says what was observed."""

    def register(function: Fault) -> Fault:
        FAULTS[what] = function
        return function

    return register


def told(err: str, *words: str) -> str:
    """The error's line, which has to hold these words."""
    line = next((one for one in err.splitlines() if one.startswith("ERROR ")), "")
    assert line, err
    assert set(words) <= {*err.splitlines(), *(word for word in words if word in line)}, err
    return line.removeprefix("ERROR ")


@fault("the CLI is killed in the middle of a file")
def cli_killed(scene: Scene) -> str:
    with scene.stopped_in_the_middle() as (task, gate):
        for child in psutil.Process(task.pid).children(recursive=True):
            if "push" in child.cmdline():
                child.kill()
        _, err = task.communicate()
        assert wait_until(lambda: not gate.execute(WAITING).fetchall(), timeout=30)
    assert task.returncode != 0
    return told(err, "applied before it: 001_t.sql, 002_t.sql")


def interrupted(number: signal.Signals) -> Fault:
    def inject(scene: Scene) -> str:
        with scene.stopped_in_the_middle() as (task, _):
            children = psutil.Process(task.pid).children(recursive=True)
            task.send_signal(number)
            _, err = task.communicate()
        assert task.returncode == 128 + number
        assert "applied before the interruption: 001_t.sql, 002_t.sql" in err.splitlines()
        assert wait_until(lambda: not any(child.is_running() for child in children), timeout=30)
        return f"exit {task.returncode}, applied before the interruption: 001_t.sql, 002_t.sql"

    return inject


fault("the client is interrupted by Ctrl-C")(interrupted(signal.SIGINT))
fault("the client is ended by SIGTERM")(interrupted(signal.SIGTERM))


@fault("the client is killed")
def client_killed(scene: Scene) -> str:
    """Whom it started ends with it, and the server notices."""
    with scene.stopped_in_the_middle() as (task, gate):
        task.kill()
        task.communicate()
        assert wait_until(lambda: not gate.execute(WAITING).fetchall(), timeout=30)
    return "the CLI ends with it, and the server takes the file back"


@fault("the server is killed in the middle of a file, and started again")
def server_killed(scene: Scene) -> str:
    with scene.stopped_in_the_middle() as (task, _):
        server = psutil.Process(scene.project.stack.state.services["postgres"].pid)
        kill([server, *server.children()])
        _, err = task.communicate()
    assert task.returncode != 0
    scene.project.stack.start()
    return told(err, "applied before it: unknown, the database does not answer; see `invoke migrations`")


@fault("every connection of the push is cut")
def connection_cut(scene: Scene) -> str:
    with scene.stopped_in_the_middle() as (task, gate):
        gate.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = current_user and pid <> pg_backend_pid()"
        )
        _, err = task.communicate()
    assert task.returncode != 0
    return told(err, "applied before it: 001_t.sql, 002_t.sql")


def together(count: int) -> Fault:
    def inject(scene: Scene) -> str:
        scene.files()
        with contextlib.ExitStack() as stack:
            tasks = [stack.enter_context(scene.project.popen("push")) for _ in range(count)]
            ended = [task.communicate() for task in tasks]
        assert [task.returncode for task in tasks] == [0] * count, ended
        pushed = sum(out.count("✓ pushed ") for out, _ in ended)
        waited = sum("waiting for `invoke push`" in err for _, err in ended)
        assert pushed == FILES
        return f"all end well, {pushed} files pushed once, {waited} waited"

    return inject


fault("two pushes at once")(together(2))
fault("five pushes at once")(together(5))


@fault("a reader holds a lock that a file needs")
def reader(scene: Scene) -> str:
    scene.files(**{f"t{MIDDLE}": "alter table public.kept add column x int;"})
    with connect(scene.project.stack.target(), autocommit=False) as held:
        held.execute("select from public.kept")
        with scene.project.popen("push", PUSHPROOF_LOCK_TIMEOUT="50ms") as task:
            assert task.stderr is not None
            again = next(line for line in iter(task.stderr.readline, "") if "again in 1 s" in line)
            held.rollback()
            task.communicate()
    assert task.returncode == 0
    return again.strip()


@fault("a statement takes longer than its time-out")
def statement_timeout(scene: Scene) -> str:
    with scene.stopped_in_the_middle(PUSHPROOF_STATEMENT_TIMEOUT="2s") as (task, _):
        _, err = task.communicate()
    assert task.returncode == 18
    return told(err, "57014", "applied before it: 001_t.sql, 002_t.sql")


@fault("the third of five files fails")
def failing(scene: Scene) -> str:
    scene.files(**{f"t{MIDDLE}": "select * from public.nowhere;"})
    done = scene.project.invoke("push")
    assert done.code == 18
    scene.files()
    return told(done.stderr, "applied before it: 001_t.sql, 002_t.sql")


@fault("a file ends its transaction itself")
def own_commit(scene: Scene) -> str:
    scene.files(**{f"t{MIDDLE}": "commit; begin;"})
    done = scene.project.invoke("push")
    assert done.code == 10
    scene.files()
    return told(done.stderr, "has its own `commit`")


@fault("nobody tells the REST server of the new schema")
def stale_cache(scene: Scene) -> str:
    """The event triggers that would are off, as on projects that dropped theirs."""
    scene.files(**{f"t{MIDDLE}": f"grant select on public.t{MIDDLE} to service_role;"})
    target, state = scene.project.stack.target(), scene.project.stack.state
    admin = replace(target, database=replace(target.database, user=ADMIN, password=state.passwords[ADMIN]))
    watch = "alter event trigger pgrst_ddl_watch {0}; alter event trigger pgrst_drop_watch {0}"
    with connect(admin) as connection:
        connection.execute(watch.format("disable").encode())
        try:
            assert scene.project.invoke("push").code == 0
            answer = httpx.get(f"{target.url}/rest/v1/t{MIDDLE}", headers={"apikey": target.secret_key})
        finally:
            connection.execute(watch.format("enable").encode())
    assert answer.json() == [{"id": 1}]
    return f"the push tells it, and waits: GET /t{MIDDLE} answers {answer.status_code}"


@pytest.fixture
def scene(blank: Project) -> Scene:
    with connect(blank.stack.target()) as connection:
        connection.execute("create table public.kept as select n from generate_series(1, 100) n")
    return Scene(blank)


@pytest.mark.parametrize("what", FAULTS)
def test_fault(scene: Scene, what: str, record_property: Callable[[str, object], None]) -> None:
    """Whatever happens, each file is applied whole or not at all, and a rerun does the rest."""
    observed = FAULTS[what](scene)
    left = scene.check()
    scene.converge()
    record_property("fault", what)
    record_property("observed", f"{observed}; applied then: {', '.join(left) or 'none'}")


@pytest.fixture
def small_disk() -> Iterator[Project]:
    """A project on a disk that a migration can fill."""
    with tempfile.TemporaryDirectory(prefix="pushproof-small-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's user has to enter it
        mount: list[str | Path] = ["/bin/mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "pushproof-test", folder]
        if os.geteuid() or subprocess.run(mount).returncode:
            pytest.skip("only root can mount a small disk, and not in every container")
        try:
            (folder / "supabase/migrations").mkdir(parents=True)
            project = Project(folder)
            project.stack.start()
            yield project
            project.stack.stop()
        finally:
            subprocess.run(["/bin/umount", "--lazy", folder], check=True)


def test_full_disk(small_disk: Project, record_property: Callable[[str, object], None]) -> None:
    """The file that fills it is taken back; with more room a rerun does the rest."""
    scene = Scene(small_disk)
    with connect(small_disk.stack.target()) as connection:
        connection.execute("create table public.kept as select n from generate_series(1, 100) n")
    scene.files(**{f"t{MIDDLE}": FILLING})
    done = small_disk.invoke("push")
    assert done.code == 20
    observed = told(done.stderr, "the disk of the database server is full", "applied before it: 001_t.sql, 002_t.sql")
    subprocess.run(["/bin/mount", "-o", "remount,size=1g", small_disk.folder], check=True)
    small_disk.stack.start()
    left = scene.check()
    scene.files()
    scene.converge()
    record_property("fault", "the disk of the server is full")
    record_property("observed", f"{observed}; applied then: {', '.join(left)}")
