"""`pushproof migrations`: show files and history side by side, and repair their differences."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import HistoryError, RefusedError
from pushproof.migrations.files import Pairing, local_migrations, pair, read_history
from pushproof.migrations.gate import alone, confirm_production, in_turn
from pushproof.migrations.history import FILES, Repair, repairs_of, troubles_of
from pushproof.stack import local
from pushproof.stack.run import Run
from pushproof.target.database import connect

if TYPE_CHECKING:
    from pushproof.base import documents

STATE_COLOURS = {"applied": "green", "pending": "yellow", "late": "yellow"}


def list_migrations(run: Run) -> tuple[Pairing, ...]:
    """Show files and history side by side, and for each disagreement the next step."""
    pairs = _pairs(run)
    run.console.table(
        ("version", "local", "applied", "state"),
        (
            (p.version, p.local.name if p.local else "", p.applied.name if p.applied else "", _coloured(p))
            for p in pairs
        ),
    )
    if not pairs:
        run.console.line("no migrations, neither in supabase/migrations nor applied")
    for trouble in troubles_of(pairs):
        run.console.line(trouble.cause, ok=False, head=trouble.pairing.state)
        run.console.line(f"    {trouble.step}")
    document: list[documents.MigrationState] = [_data(p) for p in pairs]
    run.console.data(document)
    return pairs


@in_turn("migrations --repair")
def repair(run: Run, *, keep: str, yes: bool, confirm: str) -> None:
    """Show what would make files and history agree, and do it after `yes` or a confirmation at the terminal.

    Raises RefusedError if there is no terminal and no `yes`, HistoryError if they differ afterwards.
    """
    folder = run.settings.migrations_dir
    repairs = repairs_of(_pairs(run), folder, keep)
    for change in repairs:
        run.console.line(f"would {change.description}" if not yes else change.description)
    if not repairs:
        run.console.line("nothing to repair", ok=True)
    elif _confirmed(run, yes):
        if keep == FILES:
            confirm_production(run, confirm, "repair the history of")
        with connect(run.target) as connection, alone(connection, run.console):
            _do(run, repairs)
    document: documents.Repair = {"keep": keep, "repairs": [change.description for change in repairs]}
    run.console.data(document)


def _do(run: Run, repairs: list[Repair]) -> None:
    cli = local.cli(run.settings, run.console)
    for change in repairs:
        change.do(run.target, cli)
        run.console.line(change.description, ok=True)
    if left := [p.version for p in _pairs(run) if p.state in ("edited", "foreign", "moved")]:
        raise HistoryError(f"files and history still differ in {', '.join(left)}", "`pushproof migrations` says how")


def _confirmed(run: Run, yes: bool) -> bool:
    """Whether the user confirms at the terminal. Raises RefusedError if there is no terminal."""
    if yes:
        return True
    if run.console.as_json or not sys.stdin.isatty():
        raise RefusedError("a repair changes files or the history", "`--yes` confirms what is listed above")
    run.console.status("apply these changes? Type yes:", style="yellow")
    return sys.stdin.readline().strip() == "yes"


def _pairs(run: Run) -> tuple[Pairing, ...]:
    files = local_migrations(run.settings.migrations_dir)
    with connect(run.target) as connection:
        return pair(files, read_history(connection))


def _coloured(pairing: Pairing) -> Any:
    from rich.text import Text

    twin = f", as {pairing.twin}" if pairing.twin else ""
    return Text(pairing.state + twin, STATE_COLOURS.get(pairing.state, "red"))


def _data(pairing: Pairing) -> documents.MigrationState:
    return {
        "version": pairing.version,
        "local": pairing.local.path.name if pairing.local else None,
        "applied": pairing.applied.name if pairing.applied else None,
        "state": pairing.state,
        "twin": pairing.twin or None,
    }
