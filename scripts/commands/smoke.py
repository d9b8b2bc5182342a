"""`invoke smoke` and `invoke test`: push, verify, then pytest with users who really sign in."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.boundary import Run
from scripts.commands.push import push
from scripts.commands.verify import Verdict, report, verdicts_of
from scripts.errors import FailedError, UsageError

TESTS = Path(__file__).parent.parent.parent / "tests"
NO_TESTS, USAGE, INTERRUPTED = 5, 4, 2  # pytest's exit codes


class Tally:
    """A pytest plugin: hands the target to the fixtures, and counts."""

    def __init__(self, run: Run) -> None:
        self.pushproof_run = run
        self.counts: dict[str, int] = {}
        self.failed: list[str] = []

    def pytest_configure(self, config: Any) -> None:
        config.pushproof_run = self.pushproof_run

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] = self.counts.get(report.outcome, 0) + 1
            if report.outcome == "failed":
                self.failed.append(report.nodeid)


def smoke(run: Run, *, keyword: str, pytest_args: str) -> None:
    """Start if needed, push, verify, run tests/smoke; one summary. Raises FailedError for anything red."""
    began = time.monotonic()
    target = run.target
    pushed = push(run)
    verdicts = verdicts_of(target, run.settings.supabase_dir / "checks")
    red = [v for v in verdicts if not v.ok]
    report(run, red)
    run.console.line(f"verify: {len(verdicts) - len(red)} of {len(verdicts)} checks are green", ok=not red)
    tally = _pytest(run, TESTS / "smoke", keyword, pytest_args)
    _summarise(run, pushed, verdicts, tally, time.monotonic() - began)


def _pytest(run: Run, folder: Path, keyword: str, more: str) -> Tally:
    """Run pytest in this process, where supabase-py is imported already; its words go to standard error."""
    import contextlib
    import sys

    import pytest

    tally = Tally(run)
    arguments = [str(folder), "--rootdir", str(TESTS.parent), "-q", "--no-header", "-p", "no:cacheprovider"]
    arguments += ["-k", keyword] if keyword else []
    with contextlib.redirect_stdout(sys.stderr):
        code = int(pytest.main([*arguments, *shlex.split(more)], plugins=[tally]))
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code == USAGE:
        raise UsageError("pytest does not know one of the options", "see above; `pytest --help` lists them")
    if code == NO_TESTS:
        raise FailedError("no test was run: nothing is proved", "loosen -k; `pytest --co tests/smoke` lists them")
    return tally


def _summarise(run: Run, pushed: Sequence[str], verdicts: Sequence[Verdict], tally: Tally, seconds: float) -> None:
    red = [v.check for v in verdicts if not v.ok]
    passed = tally.counts.get("passed", 0)
    skipped = tally.counts.get("skipped", 0)
    bad = bool(red or tally.failed or skipped)
    words = f"{len(pushed)} pushed · {len(verdicts) - len(red)}/{len(verdicts)} checks · {passed} tests passed"
    words += f", {len(tally.failed)} failed" if tally.failed else ""
    words += f", {skipped} skipped" if skipped else ""
    run.console.line(f"[bold]smoke[/] {words} · {seconds:.1f} s", ok=not bad)
    run.console.data(
        {
            "target": run.target.kind,
            "url": run.target.url,
            "pushed": list(pushed),
            "checks": {"total": len(verdicts), "red": red},
            "tests": {"passed": passed, "failed": tally.failed, "skipped": skipped},
            "seconds": round(seconds, 2),
        }
    )
    if bad:
        names = [*(f"check {name}" for name in red), *tally.failed, *(["skipped tests"] if skipped else [])]
        raise FailedError(f"smoke failed: {', '.join(names)}", "the first red line above says what was expected")


def test(*, keyword: str, pytest_args: str) -> None:
    """Run the whole of tests/; raises FailedError. pytest's own closing line is the summary."""
    import pytest

    arguments = [str(TESTS), "--rootdir", str(TESTS.parent), *(["-k", keyword] if keyword else [])]
    code = int(pytest.main([*arguments, *shlex.split(pytest_args)]))
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        raise FailedError(f"pytest ended with code {code}", "the failures are listed above")
