"""`invoke rollback` and `invoke restore`: migrations undone by their scripts, and what that lost loaded back."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.backup import Loss, check_empty, count_rows, load, read_manifest, save
from scripts.boundary import Run
from scripts.database import connect, psycopg_error
from scripts.drift import describe, differences, lines, own_schemas
from scripts.errors import HistoryError, ProjectError, RefusedError, SqlError
from scripts.gate import alone, confirm_production, patiently
from scripts.migrations import Applied, local_migrations, read_history
from scripts.plan import counted, plan_of
from scripts.queries import query
from scripts.replay import rebuild
from scripts.rollbacks import Rollback, rollbacks_to
from scripts.scratch import scratch_server

Tables = dict[tuple[str, str], set[str]]  # columns by schema and table


@dataclass(frozen=True)
class Options:
    """What `invoke rollback` was told. `backup` is the folder for the rows, `no_backup` that they may go."""

    to: str
    backup: str = ""
    no_backup: bool = False
    dry_run: bool = False
    confirm: str = ""


def rollback(run: Run, options: Options) -> list[str]:
    """Undo what was applied after `options.to`, in one transaction with the history; the versions undone.

    Tried first on a scratch server, where it has to lead to the very catalog of before. Raises UsageError, ProjectError
    for a script that is missing or undoes too little, RefusedError where rows would go unsaved, SqlError, HistoryError.
    """
    folder = Path(options.backup) if options.backup else None
    if folder:
        check_empty(folder)
    settings = run.settings
    files = local_migrations(settings.migrations_dir)
    with connect(run.target) as connection:
        history = read_history(connection)
        undone = rollbacks_to(options.to, files, history, settings.supabase_dir / "rollbacks")
        if not undone:
            run.console.line(f"nothing to undo: {options.to} is the last applied version", ok=True)
            return _said(run, options, [], {})
        with run.console.doing("Rehearsing"):
            losses = rehearse(run, connection, history, undone)
        losses += [loss for loss in _deleted(connection, undone) if loss.name not in {one.name for one in losses}]
        rows = count_rows(connection, losses)
        _show(run, undone, rows)
        if options.dry_run:
            return _said(run, options, [r.script.path.name for r in undone], rows)
        if any(rows.values()) and not folder and not options.no_backup:
            raise RefusedError(
                f"{counted(sum(rows.values()), 'row')} would be lost",
                "`--backup DIR` saves them first, `--no-backup` says that they may go",
            )
        confirm_production(run, options.confirm, "roll back")
        with alone(connection, run.console):
            patiently(lambda: _undo(run, connection, undone, [*rows], folder), list, run.console)
        connection.execute("notify pgrst, 'reload schema'")
        left = {a.version for a in read_history(connection)} & {r.applied.version for r in undone}
        if left:
            raise HistoryError(f"{', '.join(sorted(left))} is still in the history", "`invoke migrations` shows it")
    for one in undone:
        run.console.line(f"undid {one.script.path.name}", ok=True)
    if folder and rows:
        run.console.line(f"saved to {folder}: `invoke restore {folder}` loads it back, once its tables are there")
    return _said(run, options, [r.script.path.name for r in undone], rows)


def rehearse(run: Run, source: Any, history: Sequence[Applied], undone: Sequence[Rollback]) -> list[Loss]:
    """Down and up again on a scratch server; what the way down takes from tables.

    Raises ProjectError or SqlError; where something could not be imitated, they are only shown.
    """
    first = undone[-1].applied.version
    folder = run.settings.migrations_dir
    with scratch_server(run.settings, run.console) as server, connect(server.target) as scratch:
        gaps = rebuild(source, scratch, [a for a in history if a.version < first], folder)
        before, kept = describe(scratch), tables_of(scratch)
        later = [a for a in history if a.version >= first]
        gaps += rebuild(source, scratch, later, folder)
        top, there = describe(scratch), tables_of(scratch)
        try:
            with scratch.transaction():
                undo(scratch, undone)
            same(before, describe(scratch), "undone, the database is not what it was before")
            rebuild(source, scratch, later, folder)
            same(top, describe(scratch), "undone and applied again, the database is not what it was")
        except (ProjectError, SqlError) as problem:
            if not gaps:
                raise
            run.console.status(problem.message, head="rehearsal", style="yellow")
    for gap in gaps:
        run.console.status(gap, head="not imitated", style="yellow")
    return losses_between(there, kept)


def losses_between(there: Tables, kept: Tables) -> list[Loss]:
    """The tables, and of those that stay the columns, that are in `there` alone."""
    gone = [Loss(*name) for name in there if name not in kept]
    thinned = {name: there[name] - kept[name] for name in there if name in kept}
    return gone + [Loss(*name, tuple(sorted(columns))) for name, columns in thinned.items() if columns]


def undo(connection: Any, undone: Sequence[Rollback]) -> None:
    """Run the scripts, last first, and take their migrations out of the history. Raises SqlError."""
    import psycopg

    for one in undone:
        try:
            connection.execute(one.script.sql.encode())
        except psycopg.Error as problem:
            where = f"supabase/rollbacks/{one.script.path.name}"
            raise psycopg_error(problem, where=where, sql=one.script.sql) from None
        connection.execute(query("history_forget"), {"version": one.applied.version})


def _undo(run: Run, connection: Any, undone: Sequence[Rollback], losses: list[Loss], folder: Path | None) -> list[str]:
    """The deed: rows saved, scripts run, history rewritten, all or nothing."""
    limits = {"lock_timeout": run.settings.lock_timeout, "statement_timeout": run.settings.statement_timeout}
    try:
        with connection.transaction():
            for name, value in limits.items():
                connection.execute("select pg_catalog.set_config(%s, %s, true)", [name, value])
            if folder and losses:
                save(connection, losses, folder)
            undo(connection, undone)
    except BaseException:
        if folder:  # what it holds is still where it was
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return []


def tables_of(connection: Any) -> Tables:
    """The project's tables with their columns."""
    rows = connection.execute(query("plain_tables"), {"schemas": own_schemas(connection)}).fetchall()
    return {(schema, table): set(columns) for schema, table, columns in rows}


def _deleted(connection: Any, undone: Sequence[Rollback]) -> list[Loss]:
    """The tables that stay, whose rows a script deletes or overwrites in so many words."""
    names = {
        lock.relation
        for plan in plan_of(connection, [r.script for r in undone])
        for step in plan.losses
        for lock in step.effects.locks
    }
    found = connection.execute(query("plain_tables"), {"schemas": own_schemas(connection)}).fetchall()
    return [Loss(schema, table) for schema, table, _ in found if {f"{schema}.{table}", table} & names]


def same(expected: Any, found: Any, words: str) -> None:
    """Raises ProjectError where two descriptions differ."""
    if different := differences(expected, found):
        raise ProjectError(
            f"{words}: {', '.join(f'{d.kind} {d.object}' for d in different[:5])}",
            "mend the script in supabase/rollbacks; nothing was done to the target",
            details="\n".join(line for one in different for line in lines(one)),
        )


def _show(run: Run, undone: Sequence[Rollback], rows: dict[Loss, int]) -> None:
    for one in undone:
        run.console.line(f"would undo {one.script.path.name}")
    for loss, count in rows.items():
        what = f"columns {', '.join(loss.columns)} of " if loss.columns else ""
        run.console.line(f"    loses {what}{loss.name}: {counted(count, 'row')}", head="!" if count else "")


def _said(run: Run, options: Options, names: list[str], rows: dict[Loss, int]) -> list[str]:
    lost = [{"table": loss.name, "columns": list(loss.columns), "rows": count} for loss, count in rows.items()]
    run.console.data({"dry_run": options.dry_run, "to": options.to, "rollbacks": names, "lost": lost})
    return names


def restore(run: Run, folder: str, confirm: str) -> dict[str, int]:
    """Load a backup back into tables that are there again; rows by table. Raises ProjectError, SqlError."""
    import psycopg

    saved = read_manifest(Path(folder))
    with connect(run.target) as connection:
        confirm_production(run, confirm, "load rows into")
        try:
            rows = load(connection, saved, Path(folder))
        except psycopg.Error as problem:
            raise psycopg_error(problem, where=f"restoring {folder}") from None
    for one in saved:
        run.console.line(f"{one.name}: {rows[one.name]:,} of {counted(one.rows, 'row')}", ok=True, head="restored")
    run.console.data({"restored": [{"table": s.name, "saved": s.rows, "rows": rows[s.name]} for s in saved]})
    return rows
