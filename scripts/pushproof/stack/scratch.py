"""Something to break: a copy of the project with a stack of its own, or a server alone; gone afterwards."""

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

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder within it, made for us alone
PREFIX = "pushproof-scratch-"
OWNER = "owner.json"
STATE = ".pushproof"
ROOM = 4_000_000_000  # bytes
NOT_COPIED = ("functions", ".env*", ".temp", ".branches")


@contextlib.contextmanager
def _folder(*, in_memory: bool = True) -> Iterator[Path]:
    """A folder that PostgreSQL's user can enter: in memory where there is room, for a cluster is a thousand files."""
    roomy = in_memory and MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=MEMORY if roomy else None) as name:
        folder = Path(name)
        process.Identity.own().note(folder / OWNER)
        folder.chmod(0o755)
        yield folder


def end_abandoned() -> list[Path]:
    """End what runs in the folders of ours whose run was killed, and remove them; the folders."""
    found = [one for parent in (Path(tempfile.gettempdir()), MEMORY) for one in parent.glob(f"{PREFIX}*")]
    abandoned = [one for one in found if one.stat().st_uid == os.geteuid() and _is_abandoned(one)]
    for folder in abandoned:
        process.stop(*process.marked(MARK, str(folder)), how=signal.SIGINT)
        shutil.rmtree(states.load(folder / STATE).sockets or folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    return abandoned


def _is_abandoned(folder: Path) -> bool:
    """Whether the run that made it has ended; one that is just making it is taken for alive."""
    note = process.noted(folder / OWNER)
    return bool(note) and not process.lives(note)


@contextlib.contextmanager
def scratch_project(settings: Settings, *, in_memory: bool = True) -> Iterator[Settings]:
    """The settings of the copy; nothing runs yet, whatever was started is stopped. On disk, it is as fast as others."""
    with _folder(in_memory=in_memory) as folder:
        shutil.copytree(settings.supabase_dir, folder / "supabase", ignore=shutil.ignore_patterns(*NOT_COPIED))
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
    """For a process that acts on the copy: no setting of the project's own stack reaches it."""
    own = ("PUSHPROOF_STATE_DIR", "PUSHPROOF_API_PORT", "PUSHPROOF_DB_PORT")
    cache = {"PUSHPROOF_CACHE_DIR": str(settings.cache_dir)} if settings.cache_dir else {}
    where = {"SUPABASE_WORKDIR": str(settings.project), "SUPABASE_TARGET": "embedded"}
    return {k: v for k, v in process.inherited(**cache, **where).items() if k not in own}


@dataclass(frozen=True)
class ScratchServer:
    """A provisioned PostgreSQL to which nothing was pushed and nobody is connected. Passwords are by role."""

    target: Target
    passwords: Mapping[str, str]


@contextlib.contextmanager
def scratch_server(settings: Settings, console: Console) -> Iterator[ScratchServer]:
    """The server alone: without REST and Auth it is there in a third of the time."""
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
