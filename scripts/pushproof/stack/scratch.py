"""Scratch copies that a task may break: a copy of the project with its own stack, or a server alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pushproof.base import process
from pushproof.base.console import Console
from pushproof.base.errors import StackError
from pushproof.base.places import cache_dir
from pushproof.base.settings import Settings
from pushproof.stack import state as states
from pushproof.stack.embedded import Stack, mend
from pushproof.stack.services.base import HOST, free_port
from pushproof.stack.services.postgres import DATABASE, LOGINS, Postgres, create_cluster
from pushproof.stack.supervisor import MARK, Supervisor
from pushproof.target.targets import Database, Target
from pushproof.tools import parts as npm

MEMORY = Path("/dev/shm")  # noqa: S108 - we make our own folder in it
PREFIX = "pushproof-scratch-"
OWNER = "owner.json"
STATE = ".pushproof"
ROOM = 4_000_000_000  # bytes
NOT_COPIED = ("functions", ".env*", ".temp", ".branches")


@contextlib.contextmanager
def _folder(*, in_memory: bool = True) -> Iterator[Path]:
    """A temporary folder that PostgreSQL's user can enter, in memory if there is room, for a thousand files."""
    roomy = in_memory and MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=MEMORY if roomy else None) as name:
        folder = Path(name)
        process.Identity.own().note(folder / OWNER)
        folder.chmod(0o755)
        yield folder


def end_abandoned() -> list[Path]:
    """Stop the services in our scratch folders whose run was killed, and remove the folders. Returns the folders."""
    folders = [folder for parent in (Path(tempfile.gettempdir()), MEMORY) for folder in parent.glob(f"{PREFIX}*")]
    abandoned = [folder for folder in folders if folder.stat().st_uid == os.geteuid() and _is_abandoned(folder)]
    for folder in abandoned:
        process.stop(*process.marked(MARK, str(folder)), how=signal.SIGINT)
        shutil.rmtree(states.load(folder / STATE).sockets or folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    return abandoned


def _is_abandoned(folder: Path) -> bool:
    """Whether the run that made the folder has ended. One without a note may be new, and counts as in use."""
    note = process.noted(folder / OWNER)
    return bool(note) and not process.lives(note)


def _not_copied(folder: str, names: list[str]) -> set[str]:
    """Also what is neither file nor folder: the lock of an editor is a link to nowhere."""
    others = {name for name in names if not ((path := Path(folder, name)).is_file() or path.is_dir())}
    return shutil.ignore_patterns(*NOT_COPIED)(folder, names) | others


@contextlib.contextmanager
def scratch_project(settings: Settings, *, in_memory: bool = True) -> Iterator[Settings]:
    """The settings of a copy of the project. Its stack is not started; if it is, it is stopped at the end of the block.

    Without `in_memory` the copy is on disk, and as fast as other stacks.
    """
    with _folder(in_memory=in_memory) as folder:
        shutil.copytree(settings.supabase_dir, folder / "supabase", ignore=_not_copied)
        (folder / "supabase").chmod(0o700)
        os.environ.pop("PUSHPROOF_STATE_DIR", None)
        copy = replace(
            settings, project=folder, state_dir=folder / STATE, target="embedded", api_port=None, db_port=None
        )
        try:
            yield copy
        finally:
            Stack(copy, Console(as_json=True)).stop()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a process that uses the copy, without the settings of the project's own stack."""
    excluded = ("PUSHPROOF_STATE_DIR", "PUSHPROOF_API_PORT", "PUSHPROOF_DB_PORT")
    cache = {"PUSHPROOF_CACHE_DIR": str(settings.cache_dir)} if settings.cache_dir else {}
    project = {"SUPABASE_WORKDIR": str(settings.project), "SUPABASE_TARGET": "embedded"}
    return {k: v for k, v in process.inherited(**cache, **project).items() if k not in excluded}


@dataclass(frozen=True)
class ScratchServer:
    """A provisioned PostgreSQL without migrations or connections. `passwords` are by role."""

    target: Target
    passwords: Mapping[str, str]


@contextlib.contextmanager
def scratch_server(settings: Settings, console: Console) -> Iterator[ScratchServer]:
    """A server alone. Without REST and Auth it starts in a third of the time."""
    with _folder() as folder:
        parts = npm.ensure(settings, console)
        passwords = {role: secrets.token_urlsafe(24) for role in LOGINS}
        server = Postgres(parts, folder / "data", free_port())
        supervisor = Supervisor(services=[server], logs=folder / "logs", running={}, on_change=lambda: None)

        def start() -> None:
            create_cluster(parts, cache_dir(settings), server.data, passwords=passwords)
            supervisor.start()

        try:
            try:
                start()
            except (StackError, OSError):
                if not mend(settings, console):
                    raise
                start()
            database = Database(
                host=HOST, port=server.port, name=DATABASE, user="postgres", password=passwords["postgres"]
            )
            yield ScratchServer(
                Target(kind="embedded", url="", publishable_key="", secret_key="", database=database), passwords
            )
        finally:
            supervisor.stop()
