"""Rows saved to a folder and loaded back: COPY files, with a manifest that says what they are.

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
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Loss(Named):
    """A table whose `rows` are about to go or to change, or some of whose columns."""

    columns: tuple[str, ...] = ()
    rows: bool = True


@dataclass(frozen=True)
class Saved(Named):
    """What was saved of a table, `count` rows in `file`, and what to load back: rows, or the columns that it lost."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    lost: tuple[str, ...]
    rows: bool
    count: int
    file: str
    sha256: str


@dataclass(frozen=True)
class Restored:
    """Rows that were put back, rows whose lost columns were, and those that were there and were left as they are."""

    inserted: int
    updated: int
    left: int


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


def lock(connection: psycopg.Connection[Any], losses: Iterable[Loss]) -> None:
    """Keep others from writing to the tables until the transaction ends. Raises psycopg.Error."""
    from psycopg import sql

    if tables := [sql.Identifier(loss.schema, loss.table) for loss in losses]:
        connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(sql.SQL(", ").join(tables)))


def save(connection: psycopg.Connection[Any], losses: Sequence[Loss], folder: Path) -> list[Saved]:
    """Save the rows, within the transaction that will lose them, of tables that it has locked.

    Only its owner can read the folder, which is complete, and on disk, once it has its name. Raises UsageError,
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
        saved = [one for loss in losses if (one := _save_table(connection, loss, partial))]
        with (partial / MANIFEST).open("w") as file:
            file.write(json.dumps([asdict(one) for one in saved], indent=2) + "\n")
            _to_disk(file)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)
    return saved


def _save_table(connection: psycopg.Connection[Any], loss: Loss, folder: Path) -> Saved | None:
    """None for a table without columns, whose rows hold nothing."""
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
    table = sql.Identifier(loss.schema, loss.table)  # by a query: a partitioned table is copied no other way
    statement = sql.SQL("copy (select {} from {}) to stdout").format(_listed(columns), table)
    file = folder / f"{loss.name.replace('/', '_')}.copy"
    while file.exists():  # two names may become one
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
    """What a backup holds, each file as it was written. Raises ProjectError."""
    try:
        found: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text())
        saved = [Saved(**one | {name: tuple(one[name]) for name in ("columns", "key", "lost")}) for one in found]
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise ProjectError(
            f"{folder} is not a backup: {problem.__class__.__name__} at {MANIFEST}", "name what --backup made"
        ) from None
    for one in saved:
        file = folder / one.file
        if not file.is_file() or _sha256(file) != one.sha256:
            raise ProjectError(f"{file} is missing, or not what was saved", "restore from an unchanged copy")
    return saved


def load(
    connection: psycopg.Connection[Any], saved: Sequence[Saved], folder: Path, *, overwrite: bool = False
) -> dict[str, Restored]:
    """Load what was saved back, in one transaction, parents first, the tables' own triggers silent; by table.

    Rows that are there already stay as they are, unless `overwrite` wants the saved values: loading twice changes
    nothing. Raises ProjectError for a table or column that is not there, psycopg.Error for rows that refer to nothing,
    as those do of tables whose keys go in a circle, unless they are deferrable.
    """
    with connection.transaction():
        connection.execute("set local search_path = ''")
        for one in saved:
            columns, _ = _shape(connection, one.schema, one.table)
            if absent := sorted(set(one.columns) - set(columns)):
                raise ProjectError(f"{one.name} has no {', '.join(absent)}", "push the migration that makes it, first")
        silenced = [(_table(one), *row) for one in saved for row in _own_triggers(connection, one)]
        for table, trigger, _ in silenced:
            _switch(connection, table, "disable", trigger=trigger)
        connection.execute("set constraints all deferred")
        ordered = list(_parents_first(connection, saved))
        found = {one.name: _load_table(connection, one, folder, overwrite=overwrite) for one in ordered}
        connection.execute("set constraints all immediate")  # nothing may be pending where a trigger is switched on
        for table, trigger, how in silenced:
            _switch(connection, table, how, trigger=trigger)
    return found


def _table(one: Saved) -> Any:
    from psycopg import sql

    return sql.Identifier(one.schema, one.table)


def _own_triggers(connection: psycopg.Connection[Any], one: Saved) -> list[tuple[str, str]]:
    return connection.execute(query("migrations/own_triggers"), {"table": _table(one).as_string(connection)}).fetchall()


def _switch(connection: psycopg.Connection[Any], table: Any, how: str, trigger: str) -> None:
    from psycopg import sql

    statement = sql.SQL("alter table {} {} trigger {}").format(table, sql.SQL(how), sql.Identifier(trigger))
    connection.execute(statement)


def _load_table(connection: psycopg.Connection[Any], one: Saved, folder: Path, *, overwrite: bool) -> Restored:
    from psycopg import sql

    table = _table(one)
    listed = _listed(one.columns)
    copied = sql.SQL("create temporary table saved on commit drop as select {} from {} with no data")
    connection.execute(copied.format(listed, table))
    with (
        connection.cursor().copy(sql.SQL("copy pg_temp.saved ({}) from stdin").format(listed)) as copy,
        (folder / one.file).open("rb") as file,
    ):
        while block := file.read(BLOCK):
            copy.write(block)
    inserted = connection.execute(_missing(one, table)).rowcount if one.rows else 0
    changed = [c for c in one.columns if c not in one.key] if overwrite else list(one.lost)
    updated = connection.execute(_changed(one, table, changed)).rowcount if changed else 0
    connection.execute("drop table pg_temp.saved")
    connection.execute(query("migrations/advance_sequences"), {"table": table.as_string(connection)})
    return Restored(inserted, updated, max(0, one.count - inserted - updated))


def _missing(one: Saved, table: Any) -> Any:
    """The statement that inserts the saved rows that are not there."""
    from psycopg import sql

    insert = sql.SQL("insert into {} ({}) overriding system value ").format(table, _listed(one.columns))
    if one.key:
        return insert + sql.SQL("select {} from pg_temp.saved on conflict do nothing").format(_listed(one.columns))
    rest = sql.SQL("select {0} from pg_temp.saved except all select {0} from {1}")  # as often as there were more
    return insert + rest.format(_listed(one.columns), table)


def _changed(one: Saved, table: Any, columns: Sequence[str]) -> Any:
    """The statement that gives rows which are there the saved values of these columns, where they differ."""
    from psycopg import sql

    if not one.key:
        raise FailedError(
            f"{one.name} has no primary key by which a saved row is found again",
            f"its rows are in {one.file}: load them into a table of their own",
        )
    pair = sql.SQL("{0} = s.{0}")
    differ = sql.SQL("t.{0} is distinct from s.{0}")
    return sql.SQL("update {} t set {} from pg_temp.saved s where {} and ({})").format(
        table,
        sql.SQL(", ").join(pair.format(sql.Identifier(c)) for c in columns),
        sql.SQL(" and ").join(sql.SQL("t.") + pair.format(sql.Identifier(c)) for c in one.key),
        sql.SQL(" or ").join(differ.format(sql.Identifier(c)) for c in columns),
    )


def _parents_first(connection: psycopg.Connection[Any], saved: Sequence[Saved]) -> Iterator[Saved]:
    """The order in which every row finds what it refers to, as far as there is one."""
    left = {one.name: one for one in saved}
    refers = connection.execute(query("migrations/foreign_keys_between"), {"names": list(left)}).fetchall()
    while left:
        ready = [n for n in left if not any(child == n and parent in left and parent != n for child, parent in refers)]
        for name in ready or [*left]:  # in a circle any order will do, where the keys are deferred
            yield left.pop(name)


def _shape(connection: psycopg.Connection[Any], schema: str, table: str) -> tuple[list[str], list[str]]:
    """The columns that hold values of their own, and the primary key. Raises ProjectError for a table that is gone."""
    found = connection.execute(query("migrations/table_shape"), {"schema": schema, "table": table}).fetchone()
    if not found:
        raise ProjectError(f"there is no table {schema}.{table}", "push the migration that makes it, first")
    return found[0], found[1]


def _listed(columns: Iterable[str]) -> Any:
    from psycopg import sql

    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
