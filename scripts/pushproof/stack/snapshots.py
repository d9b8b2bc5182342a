"""Snapshots of resets, kept as databases of the embedded stack. A later reset of the same files copies one.

A snapshot is made at the second reset of the same files, because files that are being written change with each reset.
The copy replaces the stack's database in one transaction, so that there is always one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.queries import query
from pushproof.base.waiting import wait_until
from pushproof.stack.embedded import Stack, section_of
from pushproof.stack.services.postgres import DATABASE
from pushproof.target.database import connect

if TYPE_CHECKING:
    import psycopg

PREFIX = "pushproof_reset_"
NEXT, FORMER = "pushproof_next", "pushproof_former"
QUIET_SECONDS = 10  # within which all other sessions must have ended


def _name_of(stack: Stack) -> str:
    """The name of the snapshot of the project's files. It depends on the date, because a seed may call now().

    It depends on the roles too, which no snapshot contains. Empty if a reset depends on more than that: on secrets that
    `[db.vault]` reads from the environment.
    """
    folder = stack.settings.supabase_dir
    if section_of(folder / "config.toml", "db").get("vault"):
        return ""
    day = str(datetime.now(UTC).date())
    digest = hashlib.sha256(json.dumps([stack.state.cluster, day, stack.roles()]).encode())
    for file in sorted(_files(folder)):
        digest.update(f"{file.relative_to(folder)}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return PREFIX + digest.hexdigest()[:16]


def exists(stack: Stack) -> bool:
    """Whether a reset of the files can copy a snapshot."""
    with connect(stack.admin()) as admin:
        return bool(_copyable(stack, admin))


def restore(stack: Stack) -> bool:
    """Replace the stack's database with a copy of the files' snapshot; False if that is not possible."""
    with connect(stack.admin()) as admin:
        if not (name := _copyable(stack, admin)):
            return False
        _drop(admin, NEXT, FORMER)
        admin.execute(f"create database {NEXT} template {name} owner postgres".encode())
        with _rest_stopped(stack):
            swapped = wait_until(lambda: _swap(admin), timeout=QUIET_SECONDS)
        _drop(admin, FORMER, NEXT)
    return bool(swapped)


def keep(stack: Stack) -> None:
    """Make a snapshot of the stack's database and drop former ones. At the first reset of files only save the name."""
    with connect(stack.admin()) as admin:
        name = _name_of(stack)
        if stack.state.reset != name:
            stack.note_reset(name)
            return
        if not name or _customised(admin):
            return
        databases = [row[0] for row in admin.execute("select datname from pg_catalog.pg_database")]
        _drop(admin, *(database for database in databases if database.startswith(PREFIX)))
        with _rest_stopped(stack):
            wait_until(lambda: _copied(admin, name), timeout=QUIET_SECONDS)


@contextlib.contextmanager
def _rest_stopped(stack: Stack) -> Iterator[None]:
    """Stop the REST server, which keeps a connection open, in the block. A restart is faster than its reconnection."""
    stack.stop(("postgrest",))
    try:
        yield
    finally:
        stack.start()


def _files(folder: Path) -> Iterator[Path]:
    """The files below supabase/ that a reset may depend on: SQL and configuration."""
    yield from (f for f in folder.rglob("*") if f.is_file() and re.search(r"\.(sql|toml|env)$", f.name))


def _copyable(stack: Stack, admin: psycopg.Connection[Any]) -> str:
    """The name of the files' snapshot; empty if there is none, or if a copy would lack something."""
    name = _name_of(stack)
    made = admin.execute("select from pg_catalog.pg_database where datname = %s", [name]).rowcount
    return name if made and not _customised(admin) else ""


def _customised(admin: psycopg.Connection[Any]) -> bool:
    """Whether the database itself has settings or privileges, which a copy would lack."""
    row = admin.execute(query("stack/database_customised"), {"name": DATABASE}).fetchone()
    return row is None or bool(row[0])


def _drop(admin: psycopg.Connection[Any], *names: str) -> None:
    for name in names:
        admin.execute(f"drop database if exists {name} with (force)".encode())


def _swap(admin: psycopg.Connection[Any]) -> bool:
    """End other sessions, and rename both databases or none. Returns whether it succeeded."""
    import psycopg

    _end_sessions(admin)
    try:
        with admin.transaction():
            admin.execute(f"alter database {DATABASE} rename to {FORMER}".encode())
            admin.execute(f"alter database {NEXT} rename to {DATABASE}".encode())
    except psycopg.errors.ObjectInUse:
        return False
    return True


def _copied(admin: psycopg.Connection[Any], name: str) -> bool:
    import psycopg

    _end_sessions(admin)
    try:
        admin.execute(f"create database {name} template {DATABASE}".encode())
    except psycopg.errors.ObjectInUse:
        return False
    return True


def _end_sessions(admin: psycopg.Connection[Any]) -> None:
    sessions = "from pg_catalog.pg_stat_activity where datname = %s"
    admin.execute(f"select pg_catalog.pg_terminate_backend(pid) {sessions}".encode(), [DATABASE])
