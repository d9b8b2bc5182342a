"""`pushproof smoke`: push, verify, then run pytest with users who really sign in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pushproof.base.errors import FailedError
from pushproof.base.preload import import_meanwhile
from pushproof.checks.promises import CheckResult, report_red, results_of
from pushproof.checks.suite import Tally, run_suite
from pushproof.deploy.pushing import push
from pushproof.migrations.gate import turn
from pushproof.stack.run import Run
from pushproof.target.api import check_keys, http_date
from pushproof.target.clocks import token_refused
from pushproof.target.testusers import check_one_project

if TYPE_CHECKING:
    from pushproof.base import documents

NAMED = 10  # failed tests that the error names; it counts the rest


def smoke(run: Run, *, keyword: str, pytest_args: str) -> None:
    """Push, verify and run tests/smoke, starting the stack if needed. Raises FailedError for anything red."""
    began = time.monotonic()
    import_meanwhile("supabase", "pytest")
    pushed = push(run).names
    target = run.target
    check_keys(target)
    check_one_project(target, run.settings.state_dir)
    with turn(run, "smoke", shared=True):
        verdicts = results_of(target, run.settings.supabase_dir / "checks")
        report_red(run, verdicts)
        tally = run_suite(run, run.settings.tests_dir, keyword, more=pytest_args)
    if tally.failed:
        run.check()
    if tally.refused:
        raise token_refused(
            target.kind, target.url, "a test", message=tally.refused[0], token="", date=http_date(target.url)
        )
    summarise(run, pushed, verdicts, tally=tally, seconds=time.monotonic() - began)


def summarise(run: Run, pushed: Sequence[str], verdicts: Sequence[CheckResult], tally: Tally, seconds: float) -> None:
    """Print the summary and the document of a run. Raises FailedError for a red check, a failed or a skipped test."""
    red = [v.check for v in verdicts if not v.ok]
    passed = tally.counts.get("passed", 0)
    skipped = tally.counts.get("skipped", 0)
    bad = bool(red or tally.failed or skipped)
    summary = f"{len(pushed)} pushed · {len(verdicts) - len(red)}/{len(verdicts)} checks · {passed} tests passed"
    summary += f", {len(tally.failed)} failed" if tally.failed else ""
    summary += f", {skipped} skipped" if skipped else ""
    run.console.line(f"{summary} · {seconds:.1f} s", ok=not bad, head="smoke")
    document: documents.Smoke = {
        "target": run.target.kind,
        "url": run.target.url,
        "pushed": list(pushed),
        "checks": {"total": len(verdicts), "red": red},
        "tests": {"passed": passed, "failed": list(tally.failed), "skipped": skipped},
        "seconds": round(seconds, 2),
    }
    run.console.data(document)
    if bad:
        failed = [*tally.failed][:NAMED]
        more = [f"{len(tally.failed) - NAMED} more tests"] if len(tally.failed) > NAMED else []
        names = [*(f"check {name}" for name in red), *failed, *more, *(["skipped tests"] if skipped else [])]
        raise FailedError(f"smoke failed: {', '.join(names)}", "the first red line above says what was expected")
