"""The only place that starts a process.

Secrets go to a child through its environment or its standard input, never through argv.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from pushproof.base.interruptions import undisturbed
from pushproof.base.waiting import wait_until

GRACE_SECONDS = 5
PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html

DROPPED = (
    "PG",  # PGHOST, PGOPTIONS and friends would bend every libpq connection of a child
    "PGRST_",  # PostgREST reads its whole configuration from these
    "SUPABASE_",  # the CLI takes project, password and token from these; we name the target
    "NODE_OPTIONS",  # may load foreign code into the services
    "npm_config_ignore_scripts",  # ours is given as a flag
)


@dataclass(frozen=True)
class Completed:
    """What a process that ended said: exit code, standard output, standard error."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class User:
    """Another user to run a child as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Identity:
    """A process that can be told from a later one with the same pid. `born`: seconds since the epoch."""

    pid: int
    born: float

    @classmethod
    def own(cls) -> Identity:
        """This process."""
        me = psutil.Process()
        return cls(me.pid, me.create_time())

    def process(self) -> psutil.Process | None:
        """The living process, or None when it ended or its pid is another's by now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1
        except psutil.NoSuchProcess:
            return None
        return process if same and not has_ended(process) else None

    def note(self, file: Path, **more: str) -> None:
        """Write this process into a file, for `noted` and `lives`."""
        file.write_text(json.dumps({**more, **asdict(self)}))


def noted(file: Path) -> dict[str, Any]:
    """What a process noted of itself in a file; empty where there is none, or its process was killed amid writing."""
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"pid", "born"} <= found.keys() else {}


def lives(note: Mapping[str, Any]) -> bool:
    """Whether the process that noted itself still runs."""
    return bool(note) and Identity(note["pid"], note["born"]).process() is not None


def has_ended(process: psutil.Process) -> bool:
    """Also true of a zombie, for in a container there may be nobody to reap it.

    A zombie with more than one thread still ends, and still holds its ports.
    """
    try:
        return not process.is_running() or (process.status() == psutil.STATUS_ZOMBIE and process.num_threads() < 2)
    except psutil.NoSuchProcess:
        return True


def inherited(**extra: str) -> dict[str, str]:
    """Our environment without what would bend a child, plus `extra`."""
    return {k: v for k, v in os.environ.items() if not k.startswith(DROPPED)} | extra


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    text_in: str | Callable[[], str] | None = None,
    user: User | None = None,
    on_stderr: Callable[[str], None] | None = None,
    umask: int = -1,
) -> Completed:
    """Run to the end in a process group of its own; whatever interrupts us ends that group first.

    A `text_in` that takes its time is asked once the process runs. `on_stderr` is given each line of standard error as
    it comes. On Linux it ends even where we are killed.
    """
    with contextlib.ExitStack() as cleanup:
        with undisturbed():
            child = cleanup.enter_context(
                subprocess.Popen(
                    [str(word) for word in argv],
                    env=dict(inherited() if env is None else env),
                    cwd=cwd,
                    stdin=subprocess.DEVNULL if text_in is None else subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                    user=user.uid if user else None,
                    group=user.gid if user else None,
                    extra_groups=[] if user else None,
                    umask=umask,
                    preexec_fn=_end_with_us,
                )
            )
            unfinished = cleanup.enter_context(contextlib.ExitStack())
            unfinished.callback(end_group, child.pid)
        words = text_in() if callable(text_in) else text_in
        out, err = _communicate_by_line(child, on_stderr) if on_stderr else child.communicate(words)
        unfinished.pop_all()
    return Completed(child.returncode, out, err)


def _end_with_us() -> None:
    """In the child: have the kernel kill it when we are gone. One call into C, as befits a fork among threads."""
    if PRCTL:
        PRCTL(SET_PDEATHSIG, signal.SIGKILL)


def _communicate_by_line(child: subprocess.Popen[str], on_stderr: Callable[[str], None]) -> tuple[str, str]:
    """Like `communicate`, for a child that prints little on standard output."""
    assert child.stdout is not None  # noqa: S101 - for the type checker: it is piped above
    assert child.stderr is not None  # noqa: S101
    lines = []
    for line in child.stderr:
        lines.append(line)
        on_stderr(line.rstrip())
    return child.stdout.read(), "".join(lines)


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    text_in: str = "",
    user: User | None = None,
) -> Identity:
    """Start a service that outlives us, in a session of its own, its output appended to `log`, for our eyes alone."""
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as sink:
        os.fchmod(sink.fileno(), 0o600)
        child = subprocess.Popen(
            [str(word) for word in argv],
            env=dict(inherited() if env is None else env),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )
    assert child.stdin is not None  # noqa: S101 - for the type checker: it is piped above
    try:
        child.stdin.write(text_in.encode())
        child.stdin.close()
    except BrokenPipeError:  # it ended at once; its log says why
        pass
    try:
        born = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:
        born = 0.0
    child.returncode = 0  # it is meant to outlive us: no warning from Popen's destructor
    return Identity(child.pid, born)


def stop(*identities: Identity, how: signal.Signals = signal.SIGTERM, timeout: float = 10) -> None:
    """End spawned services and their children: the polite signal to all, a bounded wait, then KILL."""
    leaders = [found for one in identities if (found := one.process())]
    family = list(leaders)
    for one in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += one.children(recursive=True)
            one.send_signal(how)
    if not wait_until(lambda: all(map(has_ended, family)), timeout=timeout):
        kill(family)
    for one in leaders:
        _reap(one.pid)


def kill(processes: Iterable[psutil.Process]) -> None:
    """KILL, and wait for the end."""
    doomed = list(processes)
    for one in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    wait_until(lambda: all(map(has_ended, doomed)), timeout=5)
    for one in doomed:
        _reap(one.pid)


def marked(name: str, value: str) -> list[Identity]:
    """The living processes with this variable in their environment, of this value or a path below it; no child of one.

    PostgreSQL's are seen for the moment in which a connection begins, and end with it.
    """
    return [identity for mark, identity in marks(name) if f"{mark}/".startswith(f"{value}/")]


def marks(name: str) -> list[tuple[str, Identity]]:
    """This variable's value in the environment of each living process that has it, and the process; no child of one."""
    found: dict[int, tuple[str, Identity, int]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if (value := process.environ().get(name)) is not None and not has_ended(process):
                found[process.pid] = value, Identity(process.pid, process.create_time()), process.ppid()
    return [(value, identity) for value, identity, parent in found.values() if parent not in found]


def _reap(pid: int) -> None:
    """Take note of a child's end; others' children are not ours to reap."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def end_group(leader: int) -> None:
    """TERM, a bounded wait, KILL for the process group of `leader`."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(leader, how)
            psutil.Process(leader).wait(timeout=GRACE_SECONDS)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):  # macOS says EPERM of zombies
            return
        except psutil.TimeoutExpired:
            continue
