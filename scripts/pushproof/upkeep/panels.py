"""The panels of `pushproof monitor`: each is an SQL file with one query, whose header explains the result.

The panels in the folder monitor fit any project, those in supabase/monitor belong to the project. After the title and
the explanation, a header may name the relation that the panel `needs`, and how to `enable` it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import ProjectError
from pushproof.base.queries import header_of
from pushproof.base.reading import sql_files, text_of
from pushproof.base.resources import resource
from pushproof.migrations.drift import own_schemas
from pushproof.target.database import connect
from pushproof.target.overdue import ENDED, overdue
from pushproof.target.targets import Target

if TYPE_CHECKING:
    import psycopg

LIMIT_SECONDS = 15  # for one panel
LOCK = "2s"  # a panel that waits longer fails; other panels show the holder of the lock
FOLDER = resource(__package__, "monitor")


@dataclass(frozen=True)
class Panel:
    """A query with its explanation. `needs` is empty if it works on every target."""

    name: str
    title: str
    about: str
    needs: str
    enable: str
    sql: str


@dataclass(frozen=True)
class PanelRows:
    """The rows of a panel. If it cannot be read, `missing` says why and what to do."""

    panel: Panel
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    missing: str = ""


def panels(*folders: Path) -> tuple[Panel, ...]:
    """The panels of the folders, in the order of their names."""
    return tuple(_read(file) for folder in folders for file in sql_files(folder, ProjectError))


def _read(file: Path) -> Panel:
    sql = text_of(file, ProjectError)
    title, about, values = header_of(sql, ("needs", "enable"))
    name = re.sub(r"^\d+_", "", file.stem)
    return Panel(
        name=name,
        title=title or file.stem,
        about=about.replace("%%", "%"),
        needs=values["needs"],
        enable=values["enable"],
        sql=sql,
    )


def ask(target: Target, asked: Iterable[Panel]) -> Iterator[PanelRows]:
    """Read the panels, each in a read-only transaction of its own and within LIMIT_SECONDS.

    Raises psycopg.Error for a lost connection, UnreachableError.
    """
    import psycopg

    with contextlib.ExitStack() as opened:
        connection = opened.enter_context(_connect(target))
        schemas = own_schemas(connection)
        for panel in asked:
            try:
                with overdue().watched(connection, LIMIT_SECONDS):
                    answer = _rows(connection, panel, schemas)
            except psycopg.Error as problem:
                reason = problem.diag.message_primary or str(problem)
                if connection in ENDED:
                    reason = f"no answer in {LIMIT_SECONDS} s"
                    connection = opened.enter_context(_connect(target))
                elif connection.broken:  # the cause is not the panel
                    raise
                enable = f" ({panel.enable})" if panel.enable else ""
                answer = PanelRows(panel, missing=f"it cannot be read: {reason}{enable}")
            yield answer


def _connect(target: Target) -> psycopg.Connection[Any]:
    return connect(target, limit=f"{LIMIT_SECONDS}s", lock=LOCK)


def _rows(connection: psycopg.Connection[Any], panel: Panel, schemas: list[str]) -> PanelRows:
    with connection.transaction(force_rollback=True):
        connection.execute("set local transaction_read_only = on")
        if panel.needs and not _exists(connection, panel.needs):
            return PanelRows(panel, missing=f"there is no {panel.needs}: {panel.enable}")
        cursor = connection.execute(panel.sql.encode(), {"schemas": schemas})
        columns = tuple(column.name for column in cursor.description or ())
        return PanelRows(panel, columns, tuple(cursor.fetchall()))


def _exists(connection: psycopg.Connection[Any], name: str) -> bool:
    row = connection.execute("select pg_catalog.to_regclass(%s) is not null", [name]).fetchone()
    return bool(row and row[0])
