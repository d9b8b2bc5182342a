"""The embedded stacks of all projects that run on this machine."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from pushproof.base import process
from pushproof.stack import state as states
from pushproof.stack.scratch import OWNER
from pushproof.stack.services.base import HOST
from pushproof.stack.supervisor import MARK


@dataclass(frozen=True, kw_only=True)
class RunningStack:
    """One stack: the folder of its state, its URL (empty if the state is lost), and the processes of its services.

    `task` is the pid of the task that made the stack and will end it, if it is a scratch stack.
    """

    folder: Path
    url: str
    processes: tuple[process.Identity, ...]
    task: int | None


def running(below: Path = Path("/")) -> list[RunningStack]:
    """The stacks of this user whose state is in a folder below this one. Root does not see those of other users."""
    processes: dict[Path, list[process.Identity]] = defaultdict(list)
    for mark, identity in process.marks(MARK):
        folder = _home(Path(mark))
        if folder.is_relative_to(below) and _is_ours(folder):
            processes[folder].append(identity)
    return [_described(folder, tuple(processes[folder])) for folder in sorted(processes)]


def stop(stack: RunningStack) -> None:
    """Stop the services of a stack, also if its project was deleted while they ran. The data stays."""
    if not stack.folder.is_dir():
        process.stop(*stack.processes, how=signal.SIGINT)  # on which each service ends in order
        return
    with states.locked(stack.folder):
        process.stop(*stack.processes, how=signal.SIGINT)
        state = states.load(stack.folder)
        if state.services:
            state.services.clear()
            states.save(stack.folder, state)


def _home(logs: Path) -> Path:
    """The folder of the state for these logs. Copies of a task are below it; the project may be deleted."""
    homes = (folder for folder in logs.parents if (folder / "state.json").exists() or (folder / OWNER).exists())
    return next(homes, logs.parent)


def _is_ours(folder: Path) -> bool:
    return not folder.exists() or folder.stat().st_uid == os.geteuid()


def _described(folder: Path, processes: tuple[process.Identity, ...]) -> RunningStack:
    port = states.load(folder).ports.get("api")
    owner = next(filter(None, (process.noted(parent / OWNER) for parent in (folder, folder.parent))), {})
    return RunningStack(
        folder=folder,
        url=f"http://{HOST}:{port}" if port else "",
        processes=processes,
        task=owner["pid"] if process.lives(owner) else None,
    )
