"""The only module that starts processes.

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
    "PG",  # PGHOST, PGOPTIONS and others would change every libpq connection of a child
    "PGRST_",  # PostgREST reads its whole configuration from these
    "SUPABASE_",  # the CLI reads project, password and token from these; our arguments name the target
    "NODE_OPTIONS",  # may load foreign code into the services
    "npm_config_ignore_scripts",  # we set it with a flag
)


@dataclass(frozen=True)
class Completed:
    """The exit code, standard output and standard error of a process that ended."""

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
    """A process, distinct from a later one with the same pid. `born` is its start in seconds since the epoch."""

    pid: int
    born: float

    @classmethod
    def own(cls) -> Identity:
        """This process."""
        me = psutil.Process()
        return cls(me.pid, me.create_time())

    def process(self) -> psutil.Process | None:
        """The running process, or None if it ended or another process has its pid now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1
        except psutil.NoSuchProcess:
            return None
        return process if same and not has_ended(process) else None

    def note(self, file: Path, **members: str) -> None:
        """Write this process and `members` to a file as JSON, for `noted` and `lives`."""
        file.write_text(json.dumps({**members, **asdict(self)}))


def noted(file: Path) -> dict[str, Any]:
    """The content of a file that `Identity.note` wrote; empty if it is missing or incomplete."""
    try:
        note = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) and {"pid", "born"} <= note.keys() else {}


def lives(note: Mapping[str, Any]) -> bool:
    """Whether the process of a note still runs."""
    return bool(note) and Identity(note["pid"], note["born"]).process() is not None


def has_ended(process: psutil.Process) -> bool:
    """Whether a process has ended. Also true for a zombie, because a container may have no process that reaps it.

    A zombie with more than one thread is still ending and still holds its ports.
    """
    try:
        return not process.is_running() or (process.status() == psutil.STATUS_ZOMBIE and process.num_threads() < 2)
    except psutil.NoSuchProcess:
        return True


def inherited(**extra: str) -> dict[str, str]:
    """Our environment without the DROPPED variables, plus `extra`."""
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
    """Run a process to its end in its own process group, which an interruption ends first.

    If `text_in` is a function, it is called after the process has started. `on_stderr` gets each line of standard error
    as it arrives; `text_in` is not written then. On Linux the process ends even if we are killed.
    """
    with contextlib.ExitStack() as cleanup:
        with undisturbed():
            child = cleanup.enter_context(
                subprocess.Popen(
                    [str(argument) for argument in argv],
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
        stdin = text_in() if callable(text_in) else text_in
        out, err = _communicate_by_line(child, on_stderr) if on_stderr else child.communicate(stdin)
        unfinished.pop_all()
    return Completed(child.returncode, out, err)


def _end_with_us() -> None:
    """In the child: let the kernel kill it when we end. After a fork among threads only one C call is safe."""
    if PRCTL:
        PRCTL(SET_PDEATHSIG, signal.SIGKILL)


def _communicate_by_line(child: subprocess.Popen[str], on_stderr: Callable[[str], None]) -> tuple[str, str]:
    """Like `communicate`, for a child that writes little to standard output."""
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
    """Start a service in its own session, which outlives us. Its output goes to `log`, which only we can read."""
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as sink:
        os.fchmod(sink.fileno(), 0o600)
        child = subprocess.Popen(
            [str(argument) for argument in argv],
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
    except BrokenPipeError:  # it ended at once, and its log says why
        pass
    try:
        born = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:
        born = 0.0
    child.returncode = 0  # no warning from Popen's destructor, because it outlives us
    return Identity(child.pid, born)


def stop(*identities: Identity, how: signal.Signals = signal.SIGTERM, timeout: float = 10) -> None:
    """End spawned services and their children: the signal `how`, a wait of `timeout` seconds, then KILL."""
    leaders = [leader for identity in identities if (leader := identity.process())]
    processes = list(leaders)
    for leader in leaders:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes += leader.children(recursive=True)
            leader.send_signal(how)
    if not wait_until(lambda: all(map(has_ended, processes)), timeout=timeout):
        kill(processes)
    for leader in leaders:
        _reap(leader.pid)


def kill(processes: Iterable[psutil.Process]) -> None:
    """Send KILL to processes, and wait until they have ended."""
    killed = list(processes)
    for process in killed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_until(lambda: all(map(has_ended, killed)), timeout=5)
    for process in killed:
        _reap(process.pid)


def marked(name: str, value: str) -> list[Identity]:
    """The running processes whose environment has this variable with this value or a path below it, without children.

    A child process of PostgreSQL may be included briefly while a connection begins; it ends with its server.
    """
    return [identity for mark, identity in marks(name) if f"{mark}/".startswith(f"{value}/")]


def marks(name: str) -> list[tuple[str, Identity]]:
    """The value of this variable in the environment of each running process that has it, without children of such."""
    by_pid: dict[int, tuple[str, Identity, int]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if (value := process.environ().get(name)) is not None and not has_ended(process):
                by_pid[process.pid] = value, Identity(process.pid, process.create_time()), process.ppid()
    return [(value, identity) for value, identity, parent in by_pid.values() if parent not in by_pid]


def _reap(pid: int) -> None:
    """Reap a child process that ended; other processes are ignored."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def end_group(leader: int) -> None:
    """Send TERM to the process group of `leader`, wait GRACE_SECONDS, then send KILL."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(leader, signum)
            psutil.Process(leader).wait(timeout=GRACE_SECONDS)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):  # macOS reports EPERM for zombies
            return
        except psutil.TimeoutExpired:
            continue
