"""`pushproof start`, `stop`, `status` and `logs`: control and inspect the embedded stack."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from pushproof.base.console import entry
from pushproof.base.errors import RefusedError, StackError, UsageError
from pushproof.stack import machine
from pushproof.stack.embedded import SERVICES
from pushproof.stack.machine import RunningStack
from pushproof.stack.run import Run
from pushproof.stack.scratch import end_abandoned
from pushproof.stack.supervisor import STOPPED

if TYPE_CHECKING:
    from pushproof.base import documents

FOLLOW_SECONDS = 0.2  # between two reads of the logs


def start(run: Run) -> None:
    """Start the services that are down, and report them and the URL."""
    _embedded_only(run)
    began = time.monotonic()
    target = run.target
    started = run.started
    _end_abandoned(run)
    summary = f"started {', '.join(started)} in {time.monotonic() - began:.1f} s" if started else "already running"
    run.console.line(f"{summary}: {target.url}", ok=True)
    document: documents.Start = {"url": target.url, "database": target.database.label, "started": started}
    run.console.data(document)


def stop(run: Run) -> None:
    """Stop every service of this project's stack. Its data stays."""
    _embedded_only(run)
    _announce(run)
    with run.console.doing("Stopping the stack"):
        stopped = run.stack.stop()
    _end_abandoned(run)
    run.console.line(f"stopped {', '.join(stopped)}" if stopped else "nothing was running", ok=True)
    document: documents.Stop = {"stopped": stopped}
    run.console.data(document)


def status_all(run: Run) -> list[RunningStack]:
    """Every stack that runs on this machine: its state folder, URL and processes, and the task that owns it."""
    stacks = machine.running()
    if not stacks:
        run.console.line("no embedded stack runs on this machine")
    else:
        run.console.table(
            ("state", "url", "processes", "made by"),
            ((s.folder, s.url, _pids(s), f"process {s.task}" if s.task else "") for s in stacks),
        )
    document: list[documents.Stack] = [
        {"folder": str(s.folder), "url": s.url, "processes": [p.pid for p in s.processes], "task": s.task}
        for s in stacks
    ]
    run.console.data(document)
    return stacks


def stop_all(run: Run, below: Path = Path("/")) -> None:
    """Stop every stack on this machine whose state is below this folder. Scratch stacks of running tasks stay."""
    stacks = machine.running(below)
    for stack in stacks:
        if stack.task:
            run.console.status(f"{stack.folder}: process {stack.task} uses this scratch stack and ends it", head="left")
            continue
        machine.stop(stack)
        run.console.line(f"stopped {stack.folder}", ok=True)
    stopped = [str(stack.folder) for stack in stacks if not stack.task]
    if not stopped:
        run.console.line("nothing was running", ok=True)
    _end_abandoned(run)
    document: documents.Stop = {"stopped": stopped}
    run.console.data(document)


def status(run: Run, *, env: bool) -> None:
    """Show the state of each service, and why one is down. With `env`, print settings for another project's `.env`.

    Raises StackError if a service is down that was not stopped.
    """
    _embedded_only(run)
    _announce(run)
    if env:
        _print_env(run)
        return
    healths = run.stack.health()
    if not healths:
        run.console.line("no stack here yet: `pushproof start` makes one")
    run.console.table(
        ("service", "state", "pid", "port", "version", "why"),
        (
            (h.name, h.state, h.pid or "", run.stack.port_of(h.name) or "", run.stack.version_of(h.name), h.why)
            for h in healths
        ),
    )
    document: list[documents.Service] = [entry(h, port=run.stack.port_of(h.name)) for h in healths]
    run.console.data(document)
    down = [h for h in healths if h.state != "up"]
    if any(h.why != STOPPED for h in down):
        raise StackError(
            f"{', '.join(h.name for h in down)} {'is' if len(down) == 1 else 'are'} down",
            "`pushproof start` starts it again; `pushproof logs` shows why it ended",
        )


def logs(run: Run, *, service: str, follow: bool, lines: int) -> None:
    """Show the last lines of the services' logs; with `follow`, also new lines until Ctrl-C. Raises UsageError."""
    _embedded_only(run)
    _announce(run)
    if service and service not in SERVICES:
        raise UsageError(f"no service {service!r}", f"choose one of {', '.join(SERVICES)}")
    files = [run.settings.state_dir / "logs" / f"{name}.log" for name in ([service] if service else SERVICES)]
    ends = {file: _show_tail(run, file, lines) for file in files if file.exists()}
    if not ends:
        run.console.line("no logs yet: `pushproof start` makes them")
    while follow and ends:
        time.sleep(FOLLOW_SECONDS)
        for file, end in ends.items():
            with file.open("rb") as stream:
                stream.seek(end if file.stat().st_size >= end else 0)
                for line in stream.read().decode(errors="replace").splitlines():
                    run.console.line(f"{file.stem:9} {line}")
                ends[file] = stream.tell()


def _pids(stack: RunningStack) -> str:
    return ", ".join(str(process.pid) for process in stack.processes)


def _end_abandoned(run: Run) -> None:
    for folder in end_abandoned():
        run.console.status(f"the stack of a killed run in {folder}", head="ended")


def _show_tail(run: Run, file: Path, lines: int) -> int:
    """Print the last lines of a log; the position after them."""
    with file.open("rb") as stream:
        for line in deque(stream, maxlen=lines):
            run.console.line(f"{file.stem:9} {line.decode(errors='replace').rstrip()}")
        return stream.tell()


def _print_env(run: Run) -> None:
    """Print the settings with their secrets, which the user can read in the state file as well."""
    if not run.stack.state.ports:
        raise StackError("no stack here yet", "`pushproof start` makes one")
    settings = run.stack.target().environment
    for name, value in settings.items():
        run.console.line(f"{name}={value}")
    run.console.data(settings)


def _announce(run: Run) -> None:
    """Print the target, without starting it."""
    if run.stack.state.ports:
        run.console.status(run.stack.target().label, head="target")


def _embedded_only(run: Run) -> None:
    kind = run.settings.target
    if kind != "embedded":
        raise RefusedError(
            f"this task needs the embedded stack, but the target is {kind}",
            "leave out --target and SUPABASE_TARGET" if kind == "remote" else "use `supabase start` and `stop`",
        )
