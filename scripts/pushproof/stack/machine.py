"""Every embedded stack that runs on this machine, of whichever project."""

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
    """One stack: the folder of its state, its URL where the state still says it, and its services' processes.

    `task`: the process that made the stack for itself and ends it, if it is a scratch stack.
    """

    folder: Path
    url: str
    processes: tuple[process.Identity, ...]
    task: int | None


def running(below: Path = Path("/")) -> list[RunningStack]:
    """This user's stacks, root's view of others' left aside, whose state lies below this folder."""
    found: dict[Path, list[process.Identity]] = defaultdict(list)
    for mark, identity in process.marks(MARK):
        folder = _home(Path(mark))
        if folder.is_relative_to(below) and _is_ours(folder):
            found[folder].append(identity)
    return [_described(folder, tuple(found[folder])) for folder in sorted(found)]


def stop(stack: RunningStack) -> None:
    """End its services, also where its project was deleted while they ran. The data stays."""
    if not stack.folder.is_dir():
        process.stop(*stack.processes, how=signal.SIGINT)  # a polite end for each of our services
        return
    with states.locked(stack.folder):
        process.stop(*stack.processes, how=signal.SIGINT)
        state = states.load(stack.folder)
        if state.services:
            state.services.clear()
            states.save(stack.folder, state)


def _home(logs: Path) -> Path:
    """The folder of the state; a task's copies lie in folders below it, and the project may be gone."""
    homes = (one for one in logs.parents if (one / "state.json").exists() or (one / OWNER).exists())
    return next(homes, logs.parent)


def _is_ours(folder: Path) -> bool:
    return not folder.exists() or folder.stat().st_uid == os.geteuid()


def _described(folder: Path, processes: tuple[process.Identity, ...]) -> RunningStack:
    port = states.load(folder).ports.get("api")
    owner = next(filter(None, (process.noted(one / OWNER) for one in (folder, folder.parent))), {})
    return RunningStack(
        folder=folder,
        url=f"http://{HOST}:{port}" if port else "",
        processes=processes,
        task=owner["pid"] if process.lives(owner) else None,
    )
