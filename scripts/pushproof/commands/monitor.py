"""`pushproof monitor`: show the state of the target on one screen."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import UsageError
from pushproof.stack.run import Run
from pushproof.upkeep.panels import FOLDER, PanelRows, ask, panels

if TYPE_CHECKING:
    from pushproof.base import documents

NOTE = "note"  # the column that says why a row needs attention


def monitor(run: Run, *, only: str = "", watch: float = 0) -> list[PanelRows]:
    """Query every panel whose name contains `only`; with `watch`, again every `watch` seconds until Ctrl-C.

    Raises UsageError if no panel matches.
    """
    chosen = [p for p in panels(FOLDER, run.settings.supabase_dir / "monitor") if only in p.name]
    if not chosen:
        raise UsageError(f"no panel is named {only!r}", "`pushproof monitor --json` names them all")
    target = run.target
    while True:
        answers = list(ask(target, chosen))
        if watch and sys.stdout.isatty():
            sys.stdout.write("\033[H\033[2J")
        _show(run, answers)
        if not watch:
            return answers
        time.sleep(watch)


def _show(run: Run, answers: Sequence[PanelRows]) -> None:
    for answer in answers:
        run.console.line("", head=answer.panel.title)
        run.console.line(f"    {answer.panel.about}")
        if answer.missing:
            run.console.line(answer.missing, ok=None, head="    !")
        elif answer.rows:
            run.console.table(answer.columns, [["" if v is None else v for v in row] for row in answer.rows])
        else:
            run.console.line("    nothing")
    notes = [f"{a.panel.title}: {row[0]} {row[1]}: {note}" for a in answers for row, note in _notes(a)]
    for note in notes:
        run.console.line(note, head="look")
    document = {a.panel.name: _document(a) for a in answers}
    run.console.data(document)


def _notes(answer: PanelRows) -> list[tuple[tuple[Any, ...], Any]]:
    """The rows that need attention, each with its note."""
    if NOTE not in answer.columns:
        return []
    position = answer.columns.index(NOTE)
    return [(row, row[position]) for row in answer.rows if row[position]]


def _document(answer: PanelRows) -> documents.Panel:
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    return {"title": answer.panel.title, "missing": answer.missing or None, "rows": rows}
