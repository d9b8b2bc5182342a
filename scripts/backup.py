"""Rows saved to a folder and loaded back: COPY files, with a manifest that says what they are.

manifest.json names for each file its table, columns, key, rows and SHA-256, and which columns the table lost, if it
did not lose its rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.errors import FailedError, ProjectError, UsageError
from scripts.queries import query

if TYPE_CHECKING:
    import psycopg

MANIFEST = "manifest.json"
BLOCK = 1 << 16


@dataclass(frozen=True)
class Saved:
    """The rows of one table. `lost` names the columns to load back; empty where rows are gone, or the table is."""

    schema: str
    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    lost: tuple[str, ...]
    rows: int
    file: str
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Loss:
    """A table whose rows, or of whose rows some columns, are about to go."""

    schema: str
    table: str
    columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


def count_rows(connection: psycopg.Connection[Any], losses: Iterable[Loss]) -> dict[Loss, int]:
    """How many rows each holds now."""
    from psycopg import sql

    counted = {}
    for loss in losses:
        statement = sql.SQL("select count(*) from {}").format(sql.Identifier(loss.schema, loss.table))
        found = connection.execute(statement).fetchone()
        counted[loss] = int(found[0]) if found else 0
    return counted


def check_empty(folder: Path) -> None:
    """Raises UsageError where a backup would mix with what is there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder", "name a new one: a backup overwrites nothing")


def save(connection: psycopg.Connection[Any], losses: Sequence[Loss], folder: Path) -> list[Saved]:
    """Save the rows, within the transaction that will lose them: until then nobody may write to the tables.

    Only its owner can read the folder, which is complete once it has its name. Raises UsageError, psycopg.Error.
    """
    from psycopg import sql

    check_empty(folder)
    partial = folder.with_name(folder.name + ".partial")
    partial.mkdir(mode=0o700, parents=True, exist_ok=True)
    tables = sql.SQL(", ").join(sql.Identifier(loss.schema, loss.table) for loss in losses)
    connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(tables))
    saved = [_save_table(connection, loss, partial) for loss in losses]
    (partial / MANIFEST).write_text(json.dumps([asdict(one) for one in saved], indent=2) + "\n")
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)
    return saved


def _save_table(connection: psycopg.Connection[Any], loss: Loss, folder: Path) -> Saved:
    from psycopg import sql

    columns, key = _shape(connection, loss.schema, loss.table)
    name, digest, rows = f"{loss.name}.copy", hashlib.sha256(), 0
    statement = sql.SQL("copy {} ({}) to stdout").format(sql.Identifier(loss.schema, loss.table), _listed(columns))
    file = folder / name.replace("/", "_")
    file.touch(mode=0o600)
    with connection.cursor() as cursor, file.open("wb") as out:
        with cursor.copy(statement) as copy:
            for block in copy:
                digest.update(block)
                out.write(block)
        rows = cursor.rowcount
    return Saved(loss.schema, loss.table, tuple(columns), tuple(key), loss.columns, rows, file.name, digest.hexdigest())


def read_manifest(folder: Path) -> list[Saved]:
    """What a backup holds, each file as it was written. Raises ProjectError."""
    try:
        found: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text())
        saved = [Saved(**one | {name: tuple(one[name]) for name in ("columns", "key", "lost")}) for one in found]
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise ProjectError(
            f"{folder} is no backup: {problem.__class__.__name__} at {MANIFEST}", "name what --backup made"
        ) from None
    for one in saved:
        file = folder / one.file
        if not file.is_file() or _sha256(file) != one.sha256:
            raise ProjectError(f"{file} is missing, or not what was saved", "restore from an unchanged copy")
    return saved


def load(connection: psycopg.Connection[Any], saved: Sequence[Saved], folder: Path) -> dict[str, int]:
    """Load the rows back in one transaction, parents first, the tables' own triggers silent; rows by table.

    Rows that are there already stay as they are: loading twice changes nothing. Raises ProjectError for a table or
    column that is not there, FailedError where foreign keys go in a circle, psycopg.Error for rows that refer to
    nothing.
    """
    with connection.transaction():
        connection.execute("set local search_path = ''")
        for one in saved:
            columns, _ = _shape(connection, one.schema, one.table)
            if absent := sorted(set(one.columns) - set(columns)):
                raise ProjectError(f"{one.name} has no {', '.join(absent)}", "push the migration that makes it, first")
        return {one.name: _load_table(connection, one, folder) for one in _parents_first(connection, saved)}


def _load_table(connection: psycopg.Connection[Any], one: Saved, folder: Path) -> int:
    from psycopg import sql

    table = sql.Identifier(one.schema, one.table)
    name = {"table": table.as_string(connection)}
    switch = sql.SQL("alter table {} {} trigger {}")
    triggers = [sql.Identifier(trigger) for (trigger,) in connection.execute(query("own_triggers"), name)]
    for trigger in triggers:
        connection.execute(switch.format(table, sql.SQL("disable"), trigger))
    connection.execute(sql.SQL("create temporary table saved (like {}) on commit drop").format(table))
    statement = sql.SQL("copy pg_temp.saved ({}) from stdin").format(_listed(one.columns))
    with connection.cursor().copy(statement) as copy, (folder / one.file).open("rb") as file:
        while block := file.read(BLOCK):
            copy.write(block)
    rows = connection.execute(_put_back(one, table)).rowcount
    connection.execute("drop table pg_temp.saved")
    for trigger in triggers:
        connection.execute(switch.format(table, sql.SQL("enable"), trigger))
    connection.execute(query("advance_sequences"), name)
    return rows


def _put_back(one: Saved, table: Any) -> Any:
    """The statement that takes over the saved rows, or of rows that are still there the lost columns."""
    from psycopg import sql

    if not one.lost:
        insert = "insert into {0} ({1}) overriding system value select {1} from pg_temp.saved on conflict do nothing"
        return sql.SQL(insert).format(table, _listed(one.columns))
    if not one.key:
        raise FailedError(
            f"{one.name} has no primary key by which a saved row is found again",
            f"its rows are in {one.file}: load them into a table of their own",
        )
    return sql.SQL("update {} t set {} from pg_temp.saved s where {}").format(
        table,
        sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(c)) for c in one.lost),
        sql.SQL(" and ").join(sql.SQL("t.{0} = s.{0}").format(sql.Identifier(c)) for c in one.key),
    )


def _parents_first(connection: psycopg.Connection[Any], saved: Sequence[Saved]) -> Iterator[Saved]:
    """The order in which every row finds what it refers to."""
    left = {one.name: one for one in saved}
    refers = connection.execute(query("foreign_keys_between"), {"names": list(left)}).fetchall()
    while left:
        ready = [n for n in left if not any(child == n and parent in left and parent != n for child, parent in refers)]
        if not ready:
            raise FailedError(
                f"foreign keys go in a circle between {', '.join(sorted(left))}",
                "load the files with psql's \\copy, in an order that suits, with one key dropped meanwhile",
            )
        for name in ready:
            yield left.pop(name)


def _shape(connection: psycopg.Connection[Any], schema: str, table: str) -> tuple[list[str], list[str]]:
    """The columns that hold values of their own, and the primary key. Raises ProjectError for a table that is gone."""
    found = connection.execute(query("table_shape"), {"schema": schema, "table": table}).fetchone()
    if not found:
        raise ProjectError(f"there is no table {schema}.{table}", "push the migration that makes it, first")
    return found[0], found[1]


def _listed(columns: Iterable[str]) -> Any:
    from psycopg import sql

    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
