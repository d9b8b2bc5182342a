"""Processes: what they say comes back, an interruption ends them with their children, a service outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pushproof.base import process
from pushproof.base.interruptions import INTERRUPTIONS, undisturbed
from pushproof.base.process import Identity
from pushproof.base.waiting import wait_until

# A process and its child, which both take no notice of SIGTERM. The first prints the pids when they do.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, file=sys.stderr, flush=True)
time.sleep(600)
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or process.has_ended(psutil.Process(pid))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "service.log"


@pytest.fixture
def spawned(log: Path) -> Iterator[list[Identity]]:
    """Services of a test; whatever still runs is killed."""
    services: list[Identity] = []
    yield services
    for service in services:
        if found := service.process():
            process.kill([found, *found.children(recursive=True)])


def spawn_stubborn(log: Path, spawned: list[Identity], env: dict[str, str] | None = None) -> list[int]:
    spawned.append(process.spawn(python(STUBBORN), log=log, env=env))
    # The whole line: a part of it may be there first.
    words = wait_until(lambda: log.read_text().rpartition("\n")[0].split(), timeout=30)
    assert words
    return [int(word) for word in words]


def test_run_gives_back_what_was_said() -> None:
    """Exit code, standard output and standard error; standard input is what was given."""
    code = "import sys; print(sys.stdin.read()); print('wrong', file=sys.stderr); sys.exit(7)"
    done = process.run(python(code), text_in="hello")
    assert (done.code, done.stdout, done.stderr) == (7, "hello\n", "wrong\n")


def test_run_without_input_reads_nothing_of_ours() -> None:
    """A child never waits for our terminal."""
    assert process.run(python("import sys; print(repr(sys.stdin.read()))")).stdout == "''\n"


def test_run_hands_over_each_line_as_it_comes(tmp_path: Path) -> None:
    """The child waits until its first line was taken: lines do not gather to the end."""
    code = """
import os, sys, time
print('one', file=sys.stderr, flush=True)
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
print('two', file=sys.stderr)
"""
    seen: list[str] = []
    taken = tmp_path / "taken"

    def note(line: str) -> None:
        seen.append(line)
        taken.touch()

    done = process.run(python(code, str(taken)), on_stderr=note)
    assert (seen, done.stderr) == (["one", "two"], "one\ntwo\n")


def test_what_interrupts_run_ends_its_whole_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a tool works leaves neither it nor its children, even if they ignore SIGTERM."""
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.extend(int(word) for word in line.split())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.run(python(STUBBORN), on_stderr=interrupt)
    assert len(pids) == 2
    assert wait_until(lambda: all(is_gone(pid) for pid in pids), timeout=10)


def test_a_child_does_not_inherit_what_would_bend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of libpq, PostgREST, the CLI and Node stay here; others go along."""
    for name in ("PGOPTIONS", "PGRST_DB_URI", "SUPABASE_DB_PASSWORD", "NODE_OPTIONS", "HARMLESS"):
        monkeypatch.setenv(name, "x")
    said = process.run(python("import os; print(*os.environ)")).stdout.split()
    assert "HARMLESS" in said
    assert not {"PGOPTIONS", "PGRST_DB_URI", "SUPABASE_DB_PASSWORD", "NODE_OPTIONS"} & set(said)


@pytest.mark.parametrize("signum", INTERRUPTIONS)
def test_an_interruption_waits_for_the_end_of_an_undisturbed_block(signum: signal.Signals) -> None:
    """It arrives right after the block, once, and the handler is what it was."""
    heard: list[int] = []
    former = signal.signal(signum, lambda number, _: heard.append(number))
    mine = signal.getsignal(signum)
    try:
        with undisturbed():
            signal.raise_signal(signum)
            assert heard == []
        assert heard == [signum]
        assert signal.getsignal(signum) is mine
    finally:
        signal.signal(signum, former)


def test_an_ignored_signal_stays_ignored_in_an_undisturbed_block() -> None:
    """`nohup` is inherited by what the block starts."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with undisturbed():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_ctrl_c_while_a_tool_is_being_started_leaves_no_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment between the start of a process and the note of it is not a hole through which it escapes."""
    started: list[subprocess.Popen[str]] = []

    class Interrupted(subprocess.Popen[str]):
        def __init__(self, *arguments: object, **more: object) -> None:
            super().__init__(*arguments, **more)  # type: ignore[call-overload]
            started.append(self)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        process.run(python("import time; time.sleep(600)"))
    assert is_gone(started[0].pid)


def test_a_service_writes_its_log_and_reads_its_input(log: Path, spawned: list[Identity]) -> None:
    """Both outputs are appended to the log; the input, where secrets travel, is closed behind it."""
    log.write_text("before\n")
    code = "import sys; print(len(sys.stdin.read())); print('error', file=sys.stderr)"
    service = process.spawn(python(code), log=log, text_in="x" * 10_000)
    spawned.append(service)
    assert wait_until(lambda: service.process() is None, timeout=30)
    assert sorted(log.read_text().split()) == ["10000", "before", "error"]


def test_a_service_leads_a_session_of_its_own(log: Path, spawned: list[Identity]) -> None:
    """Ctrl-C in our terminal does not reach it."""
    pid, _ = spawn_stubborn(log, spawned)
    assert os.getsid(pid) == pid != os.getsid(0)


def test_stop_is_polite_then_kills_with_all_children(log: Path, spawned: list[Identity]) -> None:
    """A service that takes no notice is killed, and so is its child; nothing stays as our zombie."""
    pids = spawn_stubborn(log, spawned)
    process.stop(spawned[0], timeout=0.2)
    assert all(is_gone(pid) for pid in pids)
    assert not psutil.pid_exists(pids[0])


def test_stop_takes_a_zombie_that_nobody_reaps_for_ended(log: Path) -> None:
    """In a container there may be no init: waiting for such a process to vanish would never end."""
    code = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        service = Identity(child.pid, child.create_time())
        process.stop(service, timeout=600)
        assert child.status() == psutil.STATUS_ZOMBIE
        assert service.process() is None
        parent.kill()


def test_a_later_process_with_the_same_pid_is_not_the_service() -> None:
    """After a reboot a noted pid may be anybody's: it is neither taken for alive nor stopped."""
    me = psutil.Process()
    assert Identity(me.pid, me.create_time()).process() == me
    stranger = Identity(me.pid, me.create_time() - 100)
    assert stranger.process() is None
    process.stop(stranger)  # this very test goes on


def test_a_process_is_found_by_its_mark(log: Path, spawned: list[Identity]) -> None:
    """A variable in its environment, with this value, while it lives."""
    env = process.inherited(PUSHPROOF_TEST_MARK=str(log))
    service = process.spawn(python("import time; time.sleep(600)"), log=log, env=env)
    spawned.append(service)
    assert wait_until(lambda: process.marked("PUSHPROOF_TEST_MARK", str(log)), timeout=30) == [service]
    assert process.marked("PUSHPROOF_TEST_MARK", "other") == []
    process.stop(service)
    assert process.marked("PUSHPROOF_TEST_MARK", str(log)) == []


def test_the_child_of_a_marked_process_is_its_own_affair(log: Path, spawned: list[Identity]) -> None:
    """A server's connection that begins is no stray: whoever ended it would cut off somebody."""
    _, child = spawn_stubborn(log, spawned, process.inherited(PUSHPROOF_TEST_MARK=str(log)))
    assert wait_until(lambda: psutil.Process(child).environ().get("PUSHPROOF_TEST_MARK") == str(log), timeout=30)
    assert process.marked("PUSHPROOF_TEST_MARK", str(log)) == spawned
