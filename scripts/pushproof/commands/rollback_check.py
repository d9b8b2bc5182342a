"""`pushproof rollback --check`: apply, undo and apply each migration again, and save and load back its rows."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.console import counted, entry
from pushproof.base.errors import FailedError, PushproofError
from pushproof.migrations.backup import Loss, load, read_manifest, save
from pushproof.migrations.drift import describe
from pushproof.migrations.files import Applied, Migration, local_migrations
from pushproof.migrations.replay import replay, script_of
from pushproof.migrations.rollbacks import Rollback, rollbacks_to
from pushproof.migrations.undoing import Name, losses_between, same, tables_of, undo
from pushproof.proof.catalog import read_catalog
from pushproof.proof.imitation import imitate
from pushproof.proof.proposal import guess
from pushproof.stack.embedded import api_of
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_server
from pushproof.target.database import connect, psycopg_error
from pushproof.target.targets import Target

if TYPE_CHECKING:
    from pushproof.base import documents

ROWS = 3  # of each table


@dataclass(frozen=True)
class Checked:
    """A checked migration: the rows that were lost and loaded back, of which tables, and the problem, if any."""

    file: str
    rows: int
    tables: tuple[str, ...]
    empty: tuple[str, ...]  # tables for which no row could be made: nothing is proved about their rows
    problem: str = ""


def check(run: Run) -> list[Checked]:
    """Check every migration in order, up to the first problem. Raises FailedError for a problem or no migration."""
    files = local_migrations(run.settings.migrations_dir)
    if not files:
        raise FailedError("there is no migration: nothing is proved", "add one to supabase/migrations")
    api = api_of(run.settings.supabase_dir / "config.toml")
    checked: list[Checked] = []
    with scratch_server(run.settings, run.console) as server, connect(server.target) as scratch:
        for number in range(1, len(files) + 1):
            checked.append(_check(run, scratch, server.target, files=files[:number], schemas=api.schemas))
            _report(run, checked[-1])
            if checked[-1].problem:
                break  # the next ones build on this one
    bad = [c for c in checked if c.problem]
    summary = (
        f"{counted(len(checked), 'migration')} up, down and up again, {counted(sum(c.rows for c in checked), 'row')}"
    )
    run.console.line(f"{summary} saved and loaded back", ok=not bad, head="rollback")
    document: list[documents.CheckedRollback] = [entry(c) for c in checked]
    run.console.data(document)
    if bad:
        raise FailedError(f"{bad[0].file}: {bad[0].problem}", f"fix supabase/rollbacks/{bad[0].file}")
    return checked


def _check(run: Run, scratch: Any, target: Target, files: Sequence[Migration], schemas: Sequence[str]) -> Checked:
    """Apply, undo and apply again the last of `files`; the ones before it are applied."""
    migration = files[-1]
    script = script_of(migration.version, migration.name, migration.path.name, sql=migration.sql)
    before, tables_before = describe(scratch), tables_of(scratch)
    rows_before = _all_rows(scratch, tables_before)
    replay(scratch, script)
    after, tables_after = describe(scratch), tables_of(scratch)
    losses, rows_after = losses_between(tables_after, tables_before), _all_rows(scratch, tables_after)
    empty = _fill(target, schemas, losses)
    rows = _all_rows(scratch, tables_after)
    same_columns = [
        n for n in tables_before if n in tables_after and tables_after[n].columns == tables_before[n].columns
    ]
    # Without the rows that the migration itself put there.
    staying = {n: rows_before[n] + (rows[n] - rows_after[n]) for n in same_columns}
    try:
        (undone,) = _rollback(run, files)
        with tempfile.TemporaryDirectory() as folder:
            backup = Path(folder) / "backup"
            with scratch.transaction():
                if losses:
                    save(scratch, losses, backup)
                undo(scratch, [undone])
            _unchanged(scratch, staying, "undone")
            same(before, describe(scratch), "undone, the database is not what it was before")
            replay(scratch, script)
            same(after, describe(scratch), "undone and applied again, the database is not what it was")
            if losses:
                _restore(scratch, backup)
            lost = {(loss.schema, loss.table) for loss in losses}
            _unchanged(scratch, {n: rows[n] for n in lost}, "undone, applied again and loaded back")
    except PushproofError as problem:
        return Checked(file=migration.path.name, rows=0, tables=(), empty=(), problem=problem.message)
    count = sum(rows[loss.schema, loss.table].total() for loss in losses)
    return Checked(file=migration.path.name, rows=count, tables=tuple(loss.name for loss in losses), empty=empty)


def _rollback(run: Run, files: Sequence[Migration]) -> tuple[Rollback, ...]:
    history = [Applied(m.version, m.name, ()) for m in files]
    to = files[-2].version if len(files) > 1 else "0"
    return rollbacks_to(to, files, history, folder=run.settings.supabase_dir / "rollbacks")


def _restore(scratch: Any, backup: Path) -> None:
    import psycopg

    try:
        load(scratch, read_manifest(backup), backup)
    except psycopg.Error as problem:
        raise psycopg_error(problem, where="loading the rows back") from None


def _fill(target: Target, schemas: Sequence[str], losses: Sequence[Loss]) -> tuple[str, ...]:
    """Insert rows into each table that loses some; the tables that stay empty."""
    with connect(target) as connection:
        catalog = read_catalog(connection, schemas)
    filled = imitate(
        lambda: connect(target),
        catalog,
        guess(catalog),
        wanted=dict.fromkeys((loss.name for loss in losses), ROWS),
        limit=ROWS,
    )
    return tuple(table.relation for table in filled if not table.rows)


def _unchanged(connection: Any, expected: Mapping[Name, Counter[str]], when: str) -> None:
    """Raises FailedError if a table does not hold the expected rows."""
    actual = _all_rows(connection, expected)
    if changed := [".".join(name) for name, rows in expected.items() if actual[name] != rows]:
        raise FailedError(f"{when}, {', '.join(changed)} does not hold the same rows as before", "")


def _all_rows(connection: Any, names: Iterable[Name]) -> dict[Name, Counter[str]]:
    """The rows of each table as text."""
    from psycopg import sql

    statement = sql.SQL("select t::text from {} t")
    return {
        name: Counter(row for (row,) in connection.execute(statement.format(sql.Identifier(*name)))) for name in names
    }


def _report(run: Run, checked: Checked) -> None:
    text = f"{checked.file}: {checked.problem}" if checked.problem else checked.file
    if checked.tables:
        text += f" with {counted(checked.rows, 'row')} of {', '.join(checked.tables)}"
    run.console.line(text, ok=not checked.problem)
    for name in checked.empty:
        run.console.line(f"no row of {name} could be made: nothing is proved about its rows", head="    !")
