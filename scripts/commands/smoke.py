"""`invoke smoke` and `invoke test`: push, verify, then pytest with users who really sign in."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.api import check_keys
from scripts.boundary import Run, import_meanwhile
from scripts.checks import Verdict, verdicts_of
from scripts.commands.push import push
from scripts.commands.verify import report
from scripts.errors import FailedError, UsageError
from scripts.targets import Target

TESTS = Path(__file__).parent.parent.parent / "tests"
PASSED, FAILED, USAGE, NO_TESTS = 0, 1, 4, 5  # pytest's exit codes
NAMED = 10  # failed tests; more are counted
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")


class Redacted:
    """A stream that lets no secret pass: a failing test shows what its calls were given."""

    def __init__(self, stream: Any, target: Target) -> None:
        self._stream = stream
        self._secrets = (target.secret_key, target.publishable_key, target.database.password)

    def write(self, text: str) -> int:
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return int(self._stream.write(JWT.sub("[redacted]", text)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Stopper:
    """A pytest plugin: tells Ctrl-C from a test file that cannot be read, which pytest's exit code does not."""

    interrupted = False

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        self.interrupted = excinfo.errisinstance(KeyboardInterrupt)


class Tally(Stopper):
    """A pytest plugin: hands the target to the fixtures, and counts."""

    def __init__(self, run: Run) -> None:
        self.pushproof_run = run
        self.counts: dict[str, int] = {}
        self.failed: dict[str, None] = {}  # in their order, each once

    def pytest_configure(self, config: Any) -> None:
        config.pushproof_run = self.pushproof_run

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] = self.counts.get(report.outcome, 0) + 1
            if report.outcome == "failed":
                self.failed[report.nodeid] = None

    def pytest_collectreport(self, report: Any) -> None:
        """A whole file may be skipped, which no test's own report says."""
        if report.skipped:
            self.counts["skipped"] = self.counts.get("skipped", 0) + 1


def smoke(run: Run, *, keyword: str, pytest_args: str) -> None:
    """Start if needed, push, verify, run tests/smoke; one summary. Raises FailedError for anything red."""
    began = time.monotonic()
    import_meanwhile("supabase", "pytest")
    target = run.target
    check_keys(target)
    pushed = push(run)
    verdicts = verdicts_of(target, run.settings.supabase_dir / "checks")
    red = [v for v in verdicts if not v.ok]
    report(run, red)
    run.console.line(f"verify: {len(verdicts) - len(red)} of {len(verdicts)} checks are green", ok=not red)
    tally = _pytest(run, TESTS / "smoke", keyword, pytest_args)
    summarise(run, pushed, verdicts, tally, time.monotonic() - began)


def _pytest(run: Run, folder: Path, keyword: str, more: str) -> Tally:
    """Run pytest in this process; its words go to standard error.

    Raises FailedError where not every test could be run, UsageError for an option pytest does not know.
    """
    import contextlib
    import sys

    import pytest

    tally = Tally(run)
    arguments = [str(folder), "--rootdir", str(TESTS.parent), "-q", "--tb=short", "--no-header"]
    arguments += ["-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:unraisableexception", "-W", "default"]
    arguments += ["-k", keyword] if keyword else []
    with contextlib.redirect_stdout(Redacted(sys.stderr, run.target)):
        code = int(pytest.main([*arguments, *shlex.split(more)], plugins=[tally]))
    if tally.interrupted:
        raise KeyboardInterrupt
    if code == USAGE:
        raise UsageError("pytest does not know one of the options", "see above; `pytest --help` lists them")
    if code == NO_TESTS or (code == PASSED and not tally.counts):
        raise FailedError("no test was run: nothing is proved", "loosen -k; `pytest --co tests/smoke` lists them")
    if code not in (PASSED, FAILED):
        raise FailedError(f"pytest could not run the tests (its exit code {code})", "its words above say why")
    return tally


def summarise(run: Run, pushed: Sequence[str], verdicts: Sequence[Verdict], tally: Tally, seconds: float) -> None:
    """The last line and the document of a run. Raises FailedError for anything that is not green."""
    red = [v.check for v in verdicts if not v.ok]
    passed = tally.counts.get("passed", 0)
    skipped = tally.counts.get("skipped", 0)
    bad = bool(red or tally.failed or skipped)
    words = f"{len(pushed)} pushed · {len(verdicts) - len(red)}/{len(verdicts)} checks · {passed} tests passed"
    words += f", {len(tally.failed)} failed" if tally.failed else ""
    words += f", {skipped} skipped" if skipped else ""
    run.console.line(f"{words} · {seconds:.1f} s", ok=not bad, head="smoke")
    run.console.data(
        {
            "target": run.target.kind,
            "url": run.target.url,
            "pushed": list(pushed),
            "checks": {"total": len(verdicts), "red": red},
            "tests": {"passed": passed, "failed": list(tally.failed), "skipped": skipped},
            "seconds": round(seconds, 2),
        }
    )
    if bad:
        failed = [*tally.failed][:NAMED]
        more = [f"{len(tally.failed) - NAMED} more tests"] if len(tally.failed) > NAMED else []
        names = [*(f"check {name}" for name in red), *failed, *more, *(["skipped tests"] if skipped else [])]
        raise FailedError(f"smoke failed: {', '.join(names)}", "the first red line above says what was expected")


def test(*, keyword: str, pytest_args: str) -> None:
    """Run the whole of tests/; raises FailedError. pytest's own closing line is the summary."""
    import pytest

    arguments = [str(TESTS), "--rootdir", str(TESTS.parent), *(["-k", keyword] if keyword else [])]
    stopper = Stopper()
    code = int(pytest.main([*arguments, *shlex.split(pytest_args)], plugins=[stopper]))
    if stopper.interrupted:
        raise KeyboardInterrupt
    if code:
        raise FailedError(f"pytest ended with code {code}", "the failures are listed above")
