"""Undo migrations by their rollback scripts: first on a scratch server, then on the target in one transaction."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pushproof.base.console import Console, counted
from pushproof.base.errors import ProjectError, PushproofError, RefusedError, SqlError
from pushproof.base.queries import query
from pushproof.base.settings import Settings
from pushproof.migrations.backup import Loss, count_rows, lock, save
from pushproof.migrations.drift import describe, differences, lines, own_schemas
from pushproof.migrations.files import Applied, read_history
from pushproof.migrations.gate import limits_of
from pushproof.migrations.locks import EXCLUSIVE
from pushproof.migrations.plan import plan_of
from pushproof.migrations.replay import rebuild
from pushproof.migrations.rollbacks import Rollback
from pushproof.stack.scratch import scratch_server
from pushproof.target.database import SETTLE, connect, psycopg_error
from pushproof.target.targets import Target

Name = tuple[str, str]  # schema and table
TRIES = 4  # each may find another table that the scripts take rows from


@dataclass(frozen=True)
class Table:
    """The columns of a table, and the parent if it is a partition."""

    columns: frozenset[str]
    parent: Name | None = None


Tables = dict[Name, Table]


class UnsavedError(Exception):
    """The scripts took rows from tables that were not saved, which are `losses`."""

    def __init__(self, losses: Sequence[Loss]) -> None:
        super().__init__(f"{len(losses)} tables")
        self.losses = losses


def rehearse(
    settings: Settings, console: Console, source: Any, history: Sequence[Applied], undone: Sequence[Rollback]
) -> list[Loss]:
    """Undo and apply again on a scratch server. Returns what the tables lose by undoing.

    Raises ProjectError if the schema differs afterwards, SqlError for a statement that fails. If a part of the history
    could not be replayed, these errors are only printed.
    """
    first = undone[-1].applied.version
    folder = settings.migrations_dir
    with scratch_server(settings, console) as server, connect(server.target) as scratch:
        gaps = rebuild(source, scratch, [a for a in history if a.version < first], folder=folder)
        before, kept = describe(scratch), tables_of(scratch)
        later = [a for a in history if a.version >= first]
        gaps += rebuild(source, scratch, later, folder=folder)
        top, there = describe(scratch), tables_of(scratch)
        try:
            with scratch.transaction():
                undo(scratch, undone)
            same(before, describe(scratch), "undone, the database is not what it was before")
            rebuild(source, scratch, later, folder=folder)
            same(top, describe(scratch), "undone and applied again, the database is not what it was")
        except (ProjectError, SqlError) as problem:
            if not gaps:
                raise
            console.status(problem.message, head="rehearsal", style="yellow")
    for gap in gaps:
        console.status(gap, head="not imitated", style="yellow")
    return losses_between(there, kept)


def losses_between(there: Tables, kept: Tables) -> list[Loss]:
    """The tables and columns that are in `there` but not in `kept`. Partitions count as parts of their parents."""
    gone = [n for n in there if n not in kept and (there[n].parent is None or there[n].parent in kept)]
    thinned = {n: there[n].columns - kept[n].columns for n in there if n in kept and there[n].parent is None}
    return [Loss(*n) for n in gone] + [Loss(*n, tuple(sorted(c)), rows=False) for n, c in thinned.items() if c]


def undo(connection: Any, undone: Sequence[Rollback]) -> None:
    """Run the scripts in the given order, and delete their migrations from the history. Raises SqlError."""
    import psycopg

    for rollback in undone:
        try:
            connection.execute(rollback.script.sql.encode())
            connection.execute(SETTLE)
        except psycopg.Error as problem:
            where = f"supabase/rollbacks/{rollback.script.path.name}"
            raise psycopg_error(problem, where=where, sql=rollback.script.sql) from None
        connection.execute(query("migrations/history_forget"), {"version": rollback.applied.version})


@dataclass(kw_only=True)
class Undoing:
    """The rollback of a target, in one transaction: save rows to `folder`, run the scripts, change the history.

    Without a folder, rows may be lost only if `losing` is true. Afterwards `rows` has the number of lost rows by table.
    """

    settings: Settings
    console: Console
    target: Target
    undone: Sequence[Rollback]
    losses: list[Loss]
    folder: Path | None
    losing: bool
    rows: dict[Loss, int] = field(default_factory=dict)

    def do(self, connection: Any) -> list[str]:
        """Try until every table is saved that the scripts take rows from. Raises RefusedError, SqlError."""
        for _ in range(TRIES):
            try:
                self._attempt(connection)
            except UnsavedError as error:  # the transaction was rolled back
                known = {loss.name for loss in self.losses}
                self.losses += [loss for loss in error.losses if loss.name not in known]
            else:
                return []
        raise RefusedError("the scripts remove rows from other tables at each try", "undo one migration at a time")

    def _attempt(self, connection: Any) -> None:
        import psycopg

        try:
            with connection.transaction():
                set_limits(connection, self.settings)
                lock(connection, self.losses)
                self.rows = count_rows(connection, self.losses)
                refuse_loss(sum(self.rows.values()), saved=bool(self.folder) or self.losing)
                if self.folder and self.losses:
                    save(connection, self.losses, self.folder)
                before = _files(connection)
                undo(connection, self.undone)
                if unsaved := self._unsaved(connection, before):
                    raise UnsavedError(unsaved)
        except BaseException as problem:
            self._keep_or_remove()
            if isinstance(problem, psycopg.Error):
                raise psycopg_error(problem, where="the rollback") from None
            raise

    def _unsaved(self, connection: Any, before: dict[Name, int]) -> list[Loss]:
        """The tables that were not saved and whose rows the scripts deleted, updated or rewrote."""
        saved = {(loss.schema, loss.table) for loss in self.losses if loss.rows}
        unsaved: dict[Name, Loss] = {}
        for schema, table, deleted, updated, file, root in connection.execute(
            query("migrations/rows_changed")
        ).fetchall():
            name = (schema, table) if root is None else tuple(root)
            touched = deleted or updated or before.get((schema, table), file) != file
            if touched and not {(schema, table), name} & saved:
                unsaved[name] = Loss(*name)
        return [*unsaved.values()]

    def _keep_or_remove(self) -> None:
        """After an error remove the backup if the target still has the migrations; if not, it may have committed."""
        if not self.folder or not self.folder.exists():
            return
        try:
            with connect(self.target) as connection:
                left = {a.version for a in read_history(connection)}
        except PushproofError:
            left = set()
        if {r.applied.version for r in self.undone} <= left:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self.console.status(
                f"the rows are in {self.folder}; `pushproof migrations` shows whether the rollback was committed"
            )


def set_limits(connection: Any, settings: Settings) -> None:
    """Set the time limits of a push for the current transaction."""
    for name, value in limits_of(settings).items():
        connection.execute("select pg_catalog.set_config(%s, %s, true)", [name, value])


def _files(connection: Any) -> dict[Name, int]:
    """The number of each table's file, which a truncate changes."""
    return {
        (schema, table): file for schema, table, _, _, file, _ in connection.execute(query("migrations/rows_changed"))
    }


def tables_of(connection: Any) -> Tables:
    """The tables in the project's schemas."""
    rows = connection.execute(query("migrations/plain_tables"), {"schemas": own_schemas(connection)}).fetchall()
    return {
        (schema, table): Table(frozenset(columns), (parent[0], parent[1]) if parent else None)
        for schema, table, columns, parent in rows
    }


def known_losses(connection: Any, losses: Sequence[Loss], undone: Sequence[Rollback]) -> list[Loss]:
    """The losses whose tables exist, and the tables whose rows a script deletes by a statement of its own.

    Rows that go by the cascade of a key or in a block of code are seen only when the scripts run, and are saved then.
    """
    there = tables_of(connection)
    known = {loss.name: loss for loss in losses if (loss.schema, loss.table) in there}
    wanted = [
        lock.relation
        for plan in plan_of(connection, [r.script for r in undone])
        for step in plan.losses
        for lock in step.effects.locks
        if lock.mode != EXCLUSIVE or step.effects.all_rows  # lost columns are among `losses`
    ]
    for _, name in connection.execute(query("migrations/relation_names"), {"names": wanted}).fetchall():
        for schema, table in there:
            if f"{schema}.{table}" == name and (name not in known or not known[name].rows):
                known[name] = replace(known.get(name, Loss(schema, table)), rows=True)
    return [*known.values()]


def same(expected: Any, actual: Any, message: str) -> None:
    """Raise ProjectError with `message` if two descriptions differ."""
    if different := differences(expected, actual):
        raise ProjectError(
            f"{message}: {', '.join(f'{d.kind} {d.object}' for d in different[:5])}",
            "correct the script in supabase/rollbacks; the target was not changed",
            details="\n".join(line for difference in different for line in lines(difference)),
        )


def refuse_loss(rows: int, *, saved: bool) -> None:
    """Raise RefusedError if rows would be lost. `saved`: they are saved, or the user allowed the loss."""
    if rows and not saved:
        raise RefusedError(
            f"{counted(rows, 'row')} would be lost",
            "`--backup DIR` saves them first, `--no-backup` allows the loss",
        )
