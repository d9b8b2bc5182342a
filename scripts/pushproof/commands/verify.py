"""`pushproof verify`: run the checks of supabase/checks on the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pushproof.base.console import entry
from pushproof.base.errors import FailedError, HistoryError
from pushproof.checks.promises import CheckResult, report, results_of
from pushproof.migrations.files import local_migrations, pair, read_history
from pushproof.stack.run import Run
from pushproof.target.database import connect

if TYPE_CHECKING:
    from pushproof.base import documents


def verify(run: Run) -> list[CheckResult]:
    """Run every check of the project, and report the results.

    Raises FailedError if a check is red, ProjectError if there is none, HistoryError if no migration was pushed.
    """
    _warn_of_pending(run)
    verdicts = results_of(run.target, run.settings.supabase_dir / "checks")
    if not all(v.ok for v in verdicts):
        run.check()
    report(run.console, verdicts)
    document: list[documents.Check] = [entry(v) for v in verdicts]
    run.console.data(document)
    red = [v.check for v in verdicts if not v.ok]
    if red:
        raise FailedError(
            f"{len(red)} of {len(verdicts)} checks are red: {', '.join(red)}",
            "compare expected with found above; `pushproof migrations` shows what is pushed",
        )
    return verdicts


def _warn_of_pending(run: Run) -> None:
    """Warn if some migrations are pending. Raises HistoryError if all are."""
    folder = run.settings.migrations_dir
    files = local_migrations(folder) if folder.is_dir() else ()
    with connect(run.target) as connection:
        pending = [p.local.path.name for p in pair(files, read_history(connection)) if p.local and not p.applied]
    if files and len(pending) == len(files):
        cause = f"none of the {len(files)} migrations was pushed" if len(files) > 1 else f"{pending[0]} was not pushed"
        raise HistoryError(f"{cause}: nothing would be verified", "`pushproof push` first")
    if pending:
        run.console.status(", ".join(pending), head="pending, and not verified", style="yellow")
