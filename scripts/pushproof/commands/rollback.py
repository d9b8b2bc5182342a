"""`pushproof rollback` and `pushproof restore`: migrations undone by their scripts, and what that lost loaded back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pushproof.base.console import counted, entry
from pushproof.base.errors import HistoryError, UsageError
from pushproof.migrations.backup import Loss, Restored, check_empty, count_rows, load, read_manifest
from pushproof.migrations.files import local_migrations, read_history
from pushproof.migrations.gate import alone, confirm_production, in_turn, patiently
from pushproof.migrations.rollbacks import Rollback, rollbacks_to
from pushproof.migrations.undoing import Undoing, known_losses, refuse_loss, rehearse, set_limits
from pushproof.stack.run import Run
from pushproof.target.database import connect, psycopg_error

if TYPE_CHECKING:
    from pushproof.base import documents


@dataclass(frozen=True, kw_only=True)
class RollbackOptions:
    """What `pushproof rollback` is asked to do. `backup` is the folder for the rows, `no_backup` that they may go."""

    to: str
    backup: str = ""
    no_backup: bool = False
    dry_run: bool = False
    confirm: str = ""


@in_turn("rollback")
def rollback(run: Run, options: RollbackOptions) -> list[str]:
    """Undo what was applied after `options.to`, in one transaction with the history; the versions undone.

    Tried first on a scratch server, where it has to lead to the very catalog of before. Raises UsageError, ProjectError
    for a script that is missing or undoes too little, RefusedError where rows would go unsaved, SqlError, HistoryError.
    """
    folder = _folder(options)
    settings = run.settings
    files = local_migrations(settings.migrations_dir)
    with connect(run.target) as connection:
        history = read_history(connection)
        undone = rollbacks_to(options.to, files, history, folder=settings.supabase_dir / "rollbacks")
        if not undone:
            run.console.line(f"nothing to undo: {options.to} is the last applied version", ok=True)
            return _said(run, options, [], rows={})
        with run.console.doing("Rehearsing"):
            losses = rehearse(settings, run.console, connection, history=history, undone=undone)
        losses = known_losses(connection, losses, undone)
        rows = count_rows(connection, losses)
        _show(run, undone, rows)
        names = [r.script.path.name for r in undone]
        if options.dry_run:
            return _said(run, options, names, rows=rows)
        refuse_loss(sum(rows.values()), saved=options.no_backup or bool(folder))
        confirm_production(run, options.confirm, "roll back")
        with alone(connection, run.console):
            if read_history(connection) != history:
                raise HistoryError(
                    "another session changed the history meanwhile",
                    "`pushproof migrations` shows it",
                )
            undoing = Undoing(
                settings=settings,
                console=run.console,
                target=run.target,
                undone=undone,
                losses=losses,
                folder=folder,
                losing=options.no_backup,
            )
            patiently(lambda: undoing.do(connection), list, run.console)
    with connect(run.target) as connection:
        connection.execute("notify pgrst, 'reload schema'")
        left = {a.version for a in read_history(connection)} & {r.applied.version for r in undone}
        if left:
            raise HistoryError(f"{', '.join(sorted(left))} is still in the history", "`pushproof migrations` shows it")
    for name in names:
        run.console.line(f"undid {name}", ok=True)
    if folder and undoing.rows:
        run.console.line(f"saved to {folder}: `pushproof restore {folder}` loads it back, once its tables are there")
    return _said(run, options, names, rows=undoing.rows)


def _folder(options: RollbackOptions) -> Path | None:
    """Where the rows go. Raises UsageError for options that say too little or too much."""
    if not options.to or (options.backup and options.no_backup):
        raise UsageError(
            "both --backup and --no-backup are given" if options.to else "rollback needs a version",
            "`--to VERSION` names the version that is to be the last applied one, `--backup DIR` saves what is lost",
        )
    if not options.backup:
        return None
    check_empty(Path(options.backup))
    return Path(options.backup)


def _show(run: Run, undone: Sequence[Rollback], rows: dict[Loss, int]) -> None:
    for one in undone:
        run.console.line(f"would undo {one.script.path.name}")
    for loss, count in rows.items():
        what = f"columns {', '.join(loss.columns)} of " if loss.columns else ""
        run.console.line(f"    loses {what}{loss.name}: {counted(count, 'row')}", head="!" if count else "")


def _said(run: Run, options: RollbackOptions, names: list[str], rows: dict[Loss, int]) -> list[str]:
    document: documents.Rollback = {
        "dry_run": options.dry_run,
        "to": options.to,
        "rollbacks": names,
        "lost": [{"table": loss.name, "columns": list(loss.columns), "rows": count} for loss, count in rows.items()],
    }
    run.console.data(document)
    return names


@in_turn("restore")
def restore(run: Run, folder: str, *, overwrite: bool = False, confirm: str = "") -> dict[str, Restored]:
    """Load a backup back into tables that are there again; by table. Raises ProjectError, SqlError."""
    import psycopg

    saved = read_manifest(Path(folder))
    with connect(run.target) as connection:
        confirm_production(run, confirm, "load rows into")
        try:
            with alone(connection, run.console), connection.transaction():
                set_limits(connection, run.settings)
                found = load(connection, saved, Path(folder), overwrite=overwrite)
        except psycopg.Error as problem:
            raise psycopg_error(problem, where=f"restoring {folder}") from None
    for one in saved:
        done = found[one.name]
        words = f"{one.name}: {done.inserted:,} of {counted(one.count, 'row')} put back"
        words += f", {done.updated:,} given their saved values" if done.updated or one.lost or overwrite else ""
        words += f", {done.left:,} are there, and were left as they are (--overwrite)" if done.left else ""
        run.console.line(words, ok=True, head="restored")
    document: documents.Restore = {"restored": [entry(found[s.name], table=s.name, saved=s.count) for s in saved]}
    run.console.data(document)
    return found
