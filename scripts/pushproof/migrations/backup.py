"""Save rows to a folder and load them back: one COPY file for each table, and a manifest.

manifest.json names for each file its table, columns, key, number of rows and SHA-256, and what the table lost: rows,
or some columns.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pushproof.base.errors import FailedError, ProjectError, UsageError
from pushproof.base.queries import query

if TYPE_CHECKING:
    import psycopg

MANIFEST = "manifest.json"
BLOCK = 1 << 16


@dataclass(frozen=True)
class Named:
    """A table by its schema and its name."""

    schema: str
    table: str

    @property
    def name(self) -> str:
        """The qualified name, as messages show it."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Loss(Named):
    """A table that is about to lose `columns`, or if `rows` is true, rows or their values."""

    columns: tuple[str, ...] = ()
    rows: bool = True


@dataclass(frozen=True)
class Saved(Named):
    """A saved table: `count` rows in `file`. `rows` and `lost` say what to load back: rows, or the lost columns."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    lost: tuple[str, ...]
    rows: bool
    count: int
    file: str
    sha256: str


@dataclass(frozen=True)
class Restored:
    """Numbers of rows that were inserted, that were updated, and that were there and were left as they are."""

    inserted: int
    updated: int
    left: int


def count_rows(connection: psycopg.Connection[Any], losses: Iterable[Loss]) -> dict[Loss, int]:
    """The number of rows that each table holds now."""
    from psycopg import sql

    counted = {}
    for loss in losses:
        statement = sql.SQL("select count(*) from {}").format(sql.Identifier(loss.schema, loss.table))
        row = connection.execute(statement).fetchone()
        counted[loss] = int(row[0]) if row else 0
    return counted


def check_empty(folder: Path) -> None:
    """Raise UsageError unless the folder is missing or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder", "name a new one: a backup overwrites nothing")


def lock(connection: psycopg.Connection[Any], losses: Iterable[Loss]) -> None:
    """Keep others from writing to the tables until the transaction ends. Raises psycopg.Error."""
    from psycopg import sql

    if tables := [sql.Identifier(loss.schema, loss.table) for loss in losses]:
        connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(sql.SQL(", ").join(tables)))


def save(connection: psycopg.Connection[Any], losses: Sequence[Loss], folder: Path) -> list[Saved]:
    """Save the rows of tables that the current transaction has locked and is going to change.

    The folder gets its name only when it is complete and on disk; only its owner can read it. Raises UsageError,
    psycopg.Error.
    """
    check_empty(folder)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(mode=0o700, parents=True)
    except OSError as problem:
        raise UsageError(f"cannot make {folder}: {problem.strerror}", "name a folder that you may write") from None
    try:
        saved = [table for loss in losses if (table := _save_table(connection, loss, partial))]
        with (partial / MANIFEST).open("w") as file:
            file.write(json.dumps([asdict(table) for table in saved], indent=2) + "\n")
            _to_disk(file)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)
    return saved


def _save_table(connection: psycopg.Connection[Any], loss: Loss, folder: Path) -> Saved | None:
    """Save one table; None if it has no columns."""
    from psycopg import sql

    columns, key = _shape(connection, loss.schema, loss.table)
    if not columns:
        return None
    if loss.columns and not key:
        raise UsageError(
            f"{loss.name} has no primary key, by which its lost {', '.join(loss.columns)} would be loaded back",
            "add one first, or say `--no-backup`",
        )
    digest = hashlib.sha256()
    table = sql.Identifier(loss.schema, loss.table)  # COPY takes a partitioned table only as a query
    statement = sql.SQL("copy (select {} from {}) to stdout").format(_listed(columns), table)
    file = folder / f"{loss.name.replace('/', '_')}.copy"
    while file.exists():  # two tables may map to one file name
        file = file.with_name(f"_{file.name}")
    file.touch(mode=0o600)
    with connection.cursor() as cursor, file.open("wb") as out:
        with cursor.copy(statement) as copy:
            for block in copy:
                digest.update(block)
                out.write(block)
        _to_disk(out)
        count = cursor.rowcount
    return Saved(
        schema=loss.schema,
        table=loss.table,
        columns=tuple(columns),
        key=tuple(key),
        lost=loss.columns,
        rows=loss.rows,
        count=count,
        file=file.name,
        sha256=digest.hexdigest(),
    )


def _to_disk(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def read_manifest(folder: Path) -> list[Saved]:
    """The tables in a backup. Raises ProjectError if a file is missing or was changed."""
    try:
        entries: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text())
        saved = [Saved(**item | {name: tuple(item[name]) for name in ("columns", "key", "lost")}) for item in entries]
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise ProjectError(
            f"{folder} is not a backup: {problem.__class__.__name__} at {MANIFEST}",
            "name a folder that `pushproof rollback --backup` wrote",
        ) from None
    for table in saved:
        file = folder / table.file
        if not file.is_file() or _sha256(file) != table.sha256:
            raise ProjectError(f"{file} is missing or was changed", "restore from an unchanged copy")
    return saved


def load(
    connection: psycopg.Connection[Any], saved: Sequence[Saved], folder: Path, *, overwrite: bool = False
) -> dict[str, Restored]:
    """Load a backup in one transaction, parents first and without firing the tables' triggers. Returns counts by table.

    Rows that are there already stay as they are, so that loading twice changes nothing; with `overwrite` they get the
    saved values. Raises ProjectError for a table or column that is missing, psycopg.Error for a row whose foreign key
    has no match. Tables that refer to each other in a circle load only if those keys are deferrable.
    """
    with connection.transaction():
        connection.execute("set local search_path = ''")
        for table in saved:
            columns, _ = _shape(connection, table.schema, table.table)
            if absent := sorted(set(table.columns) - set(columns)):
                raise ProjectError(f"{table.name} has no {', '.join(absent)}", "first push the migration that makes it")
        triggers = [(_identifier(table), *row) for table in saved for row in _own_triggers(connection, table)]
        for identifier, trigger, _ in triggers:
            _switch(connection, identifier, "disable", trigger=trigger)
        connection.execute("set constraints all deferred")
        ordered = list(_parents_first(connection, saved))
        restored = {table.name: _load_table(connection, table, folder, overwrite=overwrite) for table in ordered}
        connection.execute("set constraints all immediate")  # a trigger cannot be enabled while checks are pending
        for identifier, trigger, how in triggers:
            _switch(connection, identifier, how, trigger=trigger)
    return restored


def _identifier(saved: Saved) -> Any:
    from psycopg import sql

    return sql.Identifier(saved.schema, saved.table)


def _own_triggers(connection: psycopg.Connection[Any], saved: Saved) -> list[tuple[str, str]]:
    return connection.execute(
        query("migrations/own_triggers"), {"table": _identifier(saved).as_string(connection)}
    ).fetchall()


def _switch(connection: psycopg.Connection[Any], table: Any, how: str, trigger: str) -> None:
    from psycopg import sql

    statement = sql.SQL("alter table {} {} trigger {}").format(table, sql.SQL(how), sql.Identifier(trigger))
    connection.execute(statement)


def _load_table(connection: psycopg.Connection[Any], saved: Saved, folder: Path, *, overwrite: bool) -> Restored:
    from psycopg import sql

    table = _identifier(saved)
    listed = _listed(saved.columns)
    copied = sql.SQL("create temporary table saved on commit drop as select {} from {} with no data")
    connection.execute(copied.format(listed, table))
    with (
        connection.cursor().copy(sql.SQL("copy pg_temp.saved ({}) from stdin").format(listed)) as copy,
        (folder / saved.file).open("rb") as file,
    ):
        while block := file.read(BLOCK):
            copy.write(block)
    inserted = connection.execute(_missing(saved, table)).rowcount if saved.rows else 0
    changed = [c for c in saved.columns if c not in saved.key] if overwrite else list(saved.lost)
    updated = connection.execute(_changed(saved, table, changed)).rowcount if changed else 0
    connection.execute("drop table pg_temp.saved")
    connection.execute(query("migrations/advance_sequences"), {"table": table.as_string(connection)})
    return Restored(inserted, updated, max(0, saved.count - inserted - updated))


def _missing(saved: Saved, table: Any) -> Any:
    """The statement that inserts the saved rows which are missing."""
    from psycopg import sql

    insert = sql.SQL("insert into {} ({}) overriding system value ").format(table, _listed(saved.columns))
    if saved.key:
        return insert + sql.SQL("select {} from pg_temp.saved on conflict do nothing").format(_listed(saved.columns))
    rest = sql.SQL("select {0} from pg_temp.saved except all select {0} from {1}")  # keeps duplicates
    return insert + rest.format(_listed(saved.columns), table)


def _changed(saved: Saved, table: Any, columns: Sequence[str]) -> Any:
    """The statement that sets these columns of existing rows to the saved values, where they differ."""
    from psycopg import sql

    if not saved.key:
        raise FailedError(
            f"{saved.name} has no primary key, by which saved rows are matched",
            f"its rows are in {saved.file}: load them into a table of their own",
        )
    pair = sql.SQL("{0} = s.{0}")
    differ = sql.SQL("t.{0} is distinct from s.{0}")
    return sql.SQL("update {} t set {} from pg_temp.saved s where {} and ({})").format(
        table,
        sql.SQL(", ").join(pair.format(sql.Identifier(c)) for c in columns),
        sql.SQL(" and ").join(sql.SQL("t.") + pair.format(sql.Identifier(c)) for c in saved.key),
        sql.SQL(" or ").join(differ.format(sql.Identifier(c)) for c in columns),
    )


def _parents_first(connection: psycopg.Connection[Any], saved: Sequence[Saved]) -> Iterator[Saved]:
    """The tables in an order in which each comes after those that it refers to, as far as there is one."""
    left = {table.name: table for table in saved}
    refers = connection.execute(query("migrations/foreign_keys_between"), {"names": list(left)}).fetchall()
    while left:
        ready = [n for n in left if not any(child == n and parent in left and parent != n for child, parent in refers)]
        for name in ready or [*left]:  # in a circle of deferred keys any order works
            yield left.pop(name)


def _shape(connection: psycopg.Connection[Any], schema: str, table: str) -> tuple[list[str], list[str]]:
    """The columns that are not generated, and those of the primary key. Raises ProjectError without such a table."""
    row = connection.execute(query("migrations/table_shape"), {"schema": schema, "table": table}).fetchone()
    if not row:
        raise ProjectError(f"there is no table {schema}.{table}", "first push the migration that makes it")
    return row[0], row[1]


def _listed(columns: Iterable[str]) -> Any:
    from psycopg import sql

    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
