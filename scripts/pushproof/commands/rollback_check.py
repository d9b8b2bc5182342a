"""`pushproof rollback --check`: each migration up, down and up again, its rows saved and loaded back."""

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
    """A migration: how many rows went and came back, and what was wrong, if anything."""

    file: str
    rows: int
    tables: tuple[str, ...]
    empty: tuple[str, ...]  # tables of which no row could be made, so that nothing is proved of their rows
    problem: str = ""


def check(run: Run) -> list[Checked]:
    """Every migration of the project, in order. Raises FailedError for any that does not come back as it was."""
    files = local_migrations(run.settings.migrations_dir)
    if not files:
        raise FailedError("there is no migration: nothing is proved", "add one to supabase/migrations")
    api = api_of(run.settings.supabase_dir / "config.toml")
    checked: list[Checked] = []
    with scratch_server(run.settings, run.console) as server, connect(server.target) as scratch:
        for number in range(1, len(files) + 1):
            checked.append(_check(run, scratch, server.target, files=files[:number], schemas=api.schemas))
            _say(run, checked[-1])
            if checked[-1].problem:
                break  # what follows would stand on something else
    bad = [one for one in checked if one.problem]
    words = (
        f"{counted(len(checked), 'migration')} up, down and up again, {counted(sum(c.rows for c in checked), 'row')}"
    )
    run.console.line(f"{words} saved and loaded back", ok=not bad, head="rollback")
    document: list[documents.CheckedRollback] = [entry(one) for one in checked]
    run.console.data(document)
    if bad:
        raise FailedError(f"{bad[0].file}: {bad[0].problem}", f"mend supabase/rollbacks/{bad[0].file}")
    return checked


def _check(run: Run, scratch: Any, target: Target, files: Sequence[Migration], schemas: Sequence[str]) -> Checked:
    migration = files[-1]
    script = script_of(migration.version, migration.name, migration.path.name, sql=migration.sql)
    before, kept = describe(scratch), tables_of(scratch)
    stood = _all_rows(scratch, kept)
    replay(scratch, script)
    top, there = describe(scratch), tables_of(scratch)
    losses, made = losses_between(there, kept), _all_rows(scratch, there)
    empty = _fill(target, schemas, losses)
    rows = _all_rows(scratch, there)
    same_columns = [n for n in kept if n in there and there[n].columns == kept[n].columns]
    staying = {n: stood[n] + (rows[n] - made[n]) for n in same_columns}  # less what the migration put there
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
            same(top, describe(scratch), "undone and applied again, the database is not what it was")
            if losses:
                _restore(scratch, backup)
            lost = {(one.schema, one.table) for one in losses}
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
    """Rows for every table that the migration changes; the tables that stayed empty."""
    with connect(target) as connection:
        catalog = read_catalog(connection, schemas)
    made = imitate(
        lambda: connect(target),
        catalog,
        guess(catalog),
        wanted=dict.fromkeys((one.name for one in losses), ROWS),
        limit=ROWS,
    )
    return tuple(one.relation for one in made if not one.rows)


def _unchanged(connection: Any, expected: Mapping[Name, Counter[str]], when: str) -> None:
    """Raises FailedError where a table's rows are others than before."""
    found = _all_rows(connection, expected)
    if changed := [".".join(name) for name, rows in expected.items() if found[name] != rows]:
        raise FailedError(f"{when}, {', '.join(changed)} does not hold the rows of before", "")


def _all_rows(connection: Any, names: Iterable[Name]) -> dict[Name, Counter[str]]:
    """The rows of each table as text."""
    from psycopg import sql

    statement = sql.SQL("select t::text from {} t")
    return {
        name: Counter(row for (row,) in connection.execute(statement.format(sql.Identifier(*name)))) for name in names
    }


def _say(run: Run, one: Checked) -> None:
    words = f"{one.file}: {one.problem}" if one.problem else one.file
    if one.tables:
        words += f" with {counted(one.rows, 'row')} of {', '.join(one.tables)}"
    run.console.line(words, ok=not one.problem)
    for name in one.empty:
        run.console.line(f"no row of {name} could be made: nothing is proved of its rows", head="    !")
