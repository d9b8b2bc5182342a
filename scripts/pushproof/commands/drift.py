"""`pushproof drift`: compare the target's catalog with what its migrations build."""

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
    """Each object that differs; pending files are not compared. Raises FailedError for drift, HistoryError."""
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
        expected, actual = describe(scratch), describe(source)
        drifted = differences(expected, actual)
    pending = [p.local.path.name for p in pair(files, history) if p.local and not p.applied]
    if pending:
        run.console.status(", ".join(pending), head="pending, and not compared")
    if actual.version != expected.version:
        warning = f"the target has PostgreSQL {actual.version}, the scratch server {expected.version}"
        run.console.status(f"{warning}: they may print the same view differently", style="yellow")
    for gap in gaps:
        run.console.status(gap, head="not built here", style="yellow")
    for difference in drifted:
        for line in lines(difference):
            run.console.line(line)
    summary = f"{counted(len(history), 'migration')}, {counted(len(drifted), 'difference')}"
    run.console.line(summary, ok=not drifted, head="drift")
    document: documents.Drift = {
        "migrations": len(history),
        "pending": pending,
        "not_built": gaps,
        "differences": [entry(d) for d in drifted],
    }
    run.console.data(document)
    if drifted:
        raise FailedError(
            f"the target has drifted from its migrations: {', '.join(f'{d.kind} {d.object}' for d in drifted[:5])}"
            + (f" and {len(drifted) - 5} more" if len(drifted) > 5 else ""),
            "put the change into a migration, or undo it on the target"
            + ("; some differences may come from what could not be built here" if gaps else ""),
        )
    return drifted
