"""`pushproof drift`: what the target holds, against what its migrations build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pushproof.base.console import counted, entry
from pushproof.base.errors import FailedError, HistoryError
from pushproof.migrations.drift import Difference, describe, differences, lines
from pushproof.migrations.files import local_migrations, pair, read_history
from pushproof.migrations.replay import rebuild
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_server
from pushproof.target.database import connect

if TYPE_CHECKING:
    from pushproof.base import documents


def drift(run: Run) -> list[Difference]:
    """Each object in which they differ. Pending files are no part of it. Raises FailedError for drift."""
    files = local_migrations(run.settings.migrations_dir)
    with (
        connect(run.target) as source,
        run.console.doing("Building what the migrations build"),
        scratch_server(run.settings, run.console) as server,
        connect(server.target) as scratch,
    ):
        history = read_history(source)
        if not history and files:
            raise HistoryError("no migration was pushed: there is nothing to compare", "`pushproof push` first")
        gaps = rebuild(source, scratch, history, folder=run.settings.migrations_dir)
        expected, there = describe(scratch), describe(source)
        found = differences(expected, there)
    pending = [p.local.path.name for p in pair(files, history) if p.local and not p.applied]
    if pending:
        run.console.status(", ".join(pending), head="pending, and not compared")
    if there.version != expected.version:
        words = f"PostgreSQL {there.version} there, {expected.version} here: the two may write one view in two ways"
        run.console.status(words, style="yellow")
    for gap in gaps:
        run.console.status(gap, head="not built here", style="yellow")
    for one in found:
        for line in lines(one):
            run.console.line(line)
    words = f"{counted(len(history), 'migration')}, {counted(len(found), 'difference')}"
    run.console.line(words, ok=not found, head="drift")
    document: documents.Drift = {
        "migrations": len(history),
        "pending": pending,
        "not_built": gaps,
        "differences": [entry(d) for d in found],
    }
    run.console.data(document)
    if found:
        raise FailedError(
            f"the target has drifted from its migrations: {', '.join(f'{d.kind} {d.object}' for d in found[:5])}"
            + (f" and {len(found) - 5} more" if len(found) > 5 else ""),
            "put the change into a migration, or undo it on the target"
            + ("; some of it may only be what could not be built here" if gaps else ""),
        )
    return found
