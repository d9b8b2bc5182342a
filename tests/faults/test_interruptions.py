"""Ctrl-C and SIGTERM at any moment of any task: it ends soon, with its code, leaves nothing, and a rerun is green.

`pytest tests/faults/test_interruptions.py --interruptions 200` draws that many moments.
"""

from __future__ import annotations

import contextlib
import random
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pushproof.base import process
from pushproof.base.interruptions import Interruption
from pushproof.base.waiting import wait_until
from pushproof.target.database import connect
from tests.fix_stack import REPOSITORY, Project
from tests.tasks.answers import succeeds

LATEST = 5  # seconds after the start
SOON = 5  # seconds after the signal
TOKEN = "PUSHPROOF_TRIAL"
TASKS = (
    "start",
    "push",
    "smoke",
    "rls",
    "mutate",
    "reset-local",
    "verify",
    "push --rehearse",
    "stop",
    "doctor",
    "drift",
    "sweep",
    "migrations",
    "monitor --watch 1",
    "rollback --check",
    "status",
    "execute --sql 'select 1'",
    "retention --dry-run",
    "lint",
    "types --check",
    "diagram --out {}/diagram",
    "logs --follow",
    "bench --suite stack --runs 1",
    "bundle --from 031 --out {}/bundle.sql",
)
SLOW_REMOVAL = """
    create or replace function public.slow() returns trigger language plpgsql set search_path = '' as
      'begin perform pg_catalog.pg_sleep(0.5); return old; end';
    create trigger slow before delete on auth.users for each row execute function public.slow()
"""
REMOVES = "select exists (select from pg_stat_activity where wait_event = 'PgSleep')"
ENDLESS = ("monitor --watch 1", "logs --follow", "bench --suite stack --runs 1")


@pytest.fixture(scope="module")
def home(projects: Callable[..., Project]) -> Iterator[Project]:
    """A project that was pushed, whose stack runs or not."""
    project = projects()
    succeeds(project.invoke("push"))
    yield project
    project.stack.stop()


def test_the_suite_heeds_ctrl_c_in_the_background(tmp_path: Path) -> None:
    """A shell lets `command &` ignore SIGINT; a test that sends it would wait for good for what it started."""
    (tmp_path / "test_sent.py").write_text(
        "import signal, subprocess, sys\n"
        "def test_sent():\n"
        "    with subprocess.Popen([sys.executable, '-c', 'import signal; print(1, flush=True); signal.pause()'],\n"
        "                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:\n"
        "        child.stdout.readline()\n"
        "        child.send_signal(signal.SIGINT)\n"
        "        assert child.wait(60) in (130, -2)\n"
    )
    words = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", f"--rootdir={tmp_path}", str(tmp_path)]
    done = subprocess.run(
        ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_interrupted_run_of_the_tests_leaves_no_stack(project: Project) -> None:
    """Its workers have a moment to clean up; what is left of their stacks then is ended."""
    token = uuid.uuid4().hex
    with project.popen("test", "-k", "test_gateway", **{TOKEN: token}) as run:
        assert wait_until(lambda: "postgrest" in _names(token) or run.poll(), timeout=120)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, err.splitlines()[-1]) == (130, "interrupted"), out + err
    assert _names(token) == set()


def _names(token: str) -> set[str]:
    """Of the programs that run with this mark."""
    found = set()
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if one.environ().get(TOKEN) == token and not process.has_ended(one):
                found.add(one.name())
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each drawn moment."""
    if "trial" in metafunc.fixturenames:
        metafunc.parametrize("trial", range(int(metafunc.config.getoption("--interruptions"))))


def test_an_interruption_at_any_moment(home: Project, trial: int) -> None:
    """No process, no user, no half of anything; what the task left lets it run again."""
    draw = random.Random(trial)  # noqa: S311 - the same moments each time
    words = shlex.split(TASKS[trial % len(TASKS)].format(home.folder))
    signum = draw.choice((signal.SIGINT, signal.SIGTERM))
    if draw.random() < 0.25:
        home.stack.stop()
    former = _up(home)
    token = uuid.uuid4().hex
    with home.popen(*words, **{TOKEN: token}) as task:
        try:
            task.wait(draw.random() ** 2 * LATEST)
        except subprocess.TimeoutExpired:
            task.send_signal(signum)
        try:
            out, err = task.communicate(timeout=SOON)
        except subprocess.TimeoutExpired:
            task.kill()
            pytest.fail(f"{words} did not end within {SOON} s of {signum.name}: {task.communicate()}")
    early = (task.returncode, err) == (1, "") or task.returncode == -signum or "KeyboardInterrupt" in err
    if early and f"{REPOSITORY}/tasks.py" not in err:
        return  # Python and invoke were not yet at the first line of ours
    red = [1] if words == ["doctor"] else []  # it finds the stack stopped
    assert task.returncode in (0, 128 + signum, *red), (words, out, err)
    if task.returncode == 128 + signum:
        assert err.splitlines()[-1] == "interrupted", (words, err)
        assert "Traceback" not in err, err
    known = {one.pid for one in home.stack.state.services.values()}
    left = [one for one in process.marked(TOKEN, token) if one.pid not in known]
    assert not left, (words, err, [one.process() for one in left])
    if task.returncode and words[0] not in ("stop", "bench"):
        assert _up(home) == former, (words, err)
    home.stack.start()
    with connect(home.stack.target()) as connection:
        assert connection.execute("select count(*) from auth.users").fetchone() == (0,), (words, err)
    if TASKS[trial % len(TASKS)] not in ENDLESS:
        succeeds(home.invoke(*words))


def _up(project: Project) -> set[str]:
    """The services of its stack that run."""
    return {name for name, one in project.stack.state.services.items() if one.process()}


def test_an_interruption_that_comes_too_late_ends_nothing() -> None:
    """A task that ends while the signal waits for an import has its own exit code."""
    script = """
import signal
from pushproof.base.interruptions import Interruption
with Interruption() as interruption:
    exec(compile("import os, signal; os.kill(os.getpid(), signal.SIGINT)", "<frozen importlib>", "exec"))
interruption.forget()
assert signal.sigtimedwait([signal.SIGALRM], 0.2) is None
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_fails_because_it_was_interrupted_is_an_interruption() -> None:
    """A library may trip over the exception that goes through it: that is no bug of its own."""

    def trip() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise TypeError("tripped") from None

    with pytest.raises(KeyboardInterrupt), Interruption() as interruption:
        trip()
    interruption.forget()


def test_an_interruption_amid_an_import_arrives_after_it() -> None:
    """Else the lock of a module would stay taken, and whoever imports it later would wait for good."""
    script = """
import importlib.abc, importlib.util, os, signal, sys
from pushproof.base.interruptions import Interruption

class Slow(importlib.abc.Loader):
    def create_module(self, spec): return None
    def exec_module(self, module):
        os.kill(os.getpid(), signal.SIGINT)
        module.whole = True

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, Slow()) if name == "slow" else None

sys.meta_path.insert(0, Finder())
try:
    with Interruption():
        import slow
        signal.pause()
except KeyboardInterrupt:
    print(slow.whole)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_an_interruption_that_waits_for_an_import_waits_for_an_undisturbed_block_too() -> None:
    """It comes by another signal, and must not fall between a user's sign-up and the note of it."""
    script = """
import signal, time
from pushproof.base.interruptions import Interruption, undisturbed
arrived = []
try:
    with Interruption():
        exec(compile("import os, signal; os.kill(os.getpid(), signal.SIGINT)", "<frozen importlib>", "exec"))
        with undisturbed():
            until = time.monotonic() + 1
            while time.monotonic() < until and signal.getitimer(signal.ITIMER_REAL)[0]:
                pass
            arrived.append("whole")
        arrived.append("too late")
except KeyboardInterrupt:
    print(arrived)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("['whole']\n", "")


def test_a_module_whose_lock_is_never_let_go_keeps_nobody(tmp_path: Path) -> None:
    """An exception that a signal raises can leave any lock taken; the end of the task does not wait for it."""
    (tmp_path / "locked.py").write_text("import threading\nthreading.Event().wait()\n")
    script = """
import os, signal
from pushproof.base.preload import import_meanwhile
from pushproof.boundary import boundary
import_meanwhile("locked")
with boundary():
    os.kill(os.getpid(), signal.SIGTERM)
"""
    environment = process.inherited(PYTHONPATH=f"{tmp_path}:{REPOSITORY / 'scripts'}")
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=20, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (143, "interrupted\n")


@pytest.mark.parametrize("words", [("rls", "--no-findings"), ("smoke",)])
def test_an_interruption_amid_the_removal_of_users(home: Project, words: tuple[str, ...]) -> None:
    """They are removed all the same, before the task ends."""
    home.stack.start()
    with connect(home.stack.target()) as connection:
        connection.execute(SLOW_REMOVAL)
        try:
            with home.popen(*words) as task:
                assert wait_until(lambda: connection.execute(REMOVES).fetchone() == (True,), timeout=60)
                task.send_signal(signal.SIGINT)
                out, err = task.communicate(timeout=60)
            assert (task.returncode, err.splitlines()[-1]) == (130, "interrupted"), out + err
            assert connection.execute("select count(*) from auth.users").fetchone() == (0,)
        finally:
            connection.execute("drop trigger slow on auth.users")


def test_a_second_signal_does_not_disturb_the_cleaning_up_and_a_third_ends_it() -> None:
    """Who holds Ctrl-C gets out, and is told what the second one meant."""
    script = """
import signal
from pushproof.base.interruptions import Interruption
print("ready", flush=True)
with Interruption():
    try:
        signal.pause()
    finally:
        print("cleans", flush=True)
        signal.pause()
        signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-uc", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout and child.stderr
        try:
            for line in ("ready", "cleans"):
                assert child.stdout.readline().strip() == line
                assert wait_until(lambda: psutil.Process(child.pid).status() == "sleeping", timeout=10)
                child.send_signal(signal.SIGINT)
            assert child.stderr.readline().startswith("cleaning up")
            child.send_signal(signal.SIGINT)
            assert (child.wait(10), child.stderr.read()) == (130, "interrupted\n")
        finally:
            child.kill()
