"""The only place that starts a process.

Secrets go to a child through its environment or its standard input, never through argv.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

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

    def process(self) -> psutil.Process | None:
        """The living process, or None when it ended, was reused or is a zombie."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def inherited(**extra: str) -> dict[str, str]:
    """Our environment without what would bend a child, plus `extra`."""
    return {k: v for k, v in os.environ.items() if not k.startswith(DROPPED)} | extra


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    text_in: str | None = None,
    user: User | None = None,
    on_stderr: Callable[[str], None] | None = None,
) -> Completed:
    """Run to the end in a process group of its own; whatever interrupts us ends that group first.

    `on_stderr` is given each line of standard error as it comes.
    """
    with subprocess.Popen(
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
    ) as child:
        try:
            out, err = _communicate_by_line(child, on_stderr) if on_stderr else child.communicate(text_in)
        except BaseException:
            end_group(child.pid)
            raise
    return Completed(child.returncode, out, err)


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
    """Start a service that outlives us, in a session of its own, its output appended to `log`."""
    with log.open("ab") as sink:
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


def stop(identity: Identity, *, how: signal.Signals = signal.SIGTERM, timeout: float = 10) -> None:
    """End a spawned service and its group: the polite signal, a bounded wait, then KILL."""
    if process := identity.process():
        family = [process, *process.children(recursive=True)]
        process.send_signal(how)
        _, alive = psutil.wait_procs(family, timeout=timeout)
        for one in alive:
            one.kill()
        psutil.wait_procs(alive, timeout=timeout)


def end_group(leader: int) -> None:
    """TERM, a bounded wait, KILL for the process group of `leader`."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(leader, how)
            psutil.Process(leader).wait(timeout=5)
        except (ProcessLookupError, psutil.NoSuchProcess):
            return
        except psutil.TimeoutExpired:
            continue
