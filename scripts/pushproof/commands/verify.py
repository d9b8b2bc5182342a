"""`pushproof verify`: the promises of supabase/checks held against the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pushproof.base.console import entry
from pushproof.base.errors import FailedError
from pushproof.checks.promises import CheckResult, report, results_of
from pushproof.stack.run import Run

if TYPE_CHECKING:
    from pushproof.base import documents


def verify(run: Run) -> list[CheckResult]:
    """Every check of the project. Raises FailedError when one is red, ProjectError where there is none."""
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
