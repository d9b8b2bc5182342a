"""`pushproof rollback` and `pushproof restore`: undo migrations by their scripts, and load the lost rows back."""

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
    """The options of `pushproof rollback`. `backup`: a folder for rows that would be lost; `no_backup`: lose them."""

    to: str
    backup: str = ""
    no_backup: bool = False
    dry_run: bool = False
    confirm: str = ""


@in_turn("rollback")
def rollback(run: Run, options: RollbackOptions) -> list[str]:
    """Undo what was applied after `options.to`, in one transaction with the history. Returns the scripts' file names.

    A rehearsal on a scratch server comes first; it must lead to the catalog of that version. Raises UsageError,
    ProjectError for a script that is missing or undoes too little, RefusedError if rows would be lost unsaved,
    SqlError, HistoryError.
    """
    folder = _folder(options)
    settings = run.settings
    files = local_migrations(settings.migrations_dir)
    with connect(run.target) as connection:
        history = read_history(connection)
        undone = rollbacks_to(options.to, files, history, folder=settings.supabase_dir / "rollbacks")
        if not undone:
            run.console.line(f"nothing to undo: {options.to} is the last applied version", ok=True)
            return _document(run, options, [], rows={})
        with run.console.doing("Rehearsing"):
            losses = rehearse(settings, run.console, connection, history=history, undone=undone)
        losses = known_losses(connection, losses, undone)
        rows = count_rows(connection, losses)
        _show(run, undone, rows)
        names = [r.script.path.name for r in undone]
        if options.dry_run:
            return _document(run, options, names, rows=rows)
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
    return _document(run, options, names, rows=undoing.rows)


def _folder(options: RollbackOptions) -> Path | None:
    """The folder for the rows. Raises UsageError for options that are missing or exclude each other."""
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
    for item in undone:
        run.console.line(f"would undo {item.script.path.name}")
    for loss, count in rows.items():
        columns = f"columns {', '.join(loss.columns)} of " if loss.columns else ""
        run.console.line(f"    loses {columns}{loss.name}: {counted(count, 'row')}", head="!" if count else "")


def _document(run: Run, options: RollbackOptions, names: list[str], rows: dict[Loss, int]) -> list[str]:
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
    """Load a backup into its tables, which exist again. Returns the counts by table. Raises ProjectError, SqlError."""
    import psycopg

    saved = read_manifest(Path(folder))
    with connect(run.target) as connection:
        confirm_production(run, confirm, "load rows into")
        try:
            with alone(connection, run.console), connection.transaction():
                set_limits(connection, run.settings)
                restored = load(connection, saved, Path(folder), overwrite=overwrite)
        except psycopg.Error as problem:
            raise psycopg_error(problem, where=f"restoring {folder}") from None
    for table in saved:
        counts = restored[table.name]
        summary = f"{table.name}: {counts.inserted:,} of {counted(table.count, 'row')} put back"
        summary += f", {counts.updated:,} given their saved values" if counts.updated or table.lost or overwrite else ""
        summary += f", {counts.left:,} are there, and were left as they are (--overwrite)" if counts.left else ""
        run.console.line(summary, ok=True, head="restored")
    document: documents.Restore = {"restored": [entry(restored[s.name], table=s.name, saved=s.count) for s in saved]}
    run.console.data(document)
    return restored
