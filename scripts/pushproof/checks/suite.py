"""Run the project's own pytest suite, tests/smoke, whose test users sign in."""

from __future__ import annotations

import contextlib
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO, cast

from pushproof.base.errors import FailedError, UsageError
from pushproof.stack.run import Run
from pushproof.target.clocks import REFUSED
from pushproof.target.targets import Target
from pushproof.target.testusers import make_room

PASSED, FAILED, UNREAD, USAGE, NO_TESTS = 0, 1, 2, 4, 5  # pytest's exit codes
FIRST = "--first"  # an argument of pushproof.failing: stop after the first test whose call fails
IN_PROCESS = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # this package is imported before pytest starts
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")


class Redacted:
    """A stream that hides secrets: a failing test shows the arguments of its calls."""

    def __init__(self, stream: Any, target: Target) -> None:
        self._stream = stream
        self._secrets = (target.secret_key, target.publishable_key, target.database.password)

    def write(self, text: str) -> int:
        """Write the text without secrets; the number of characters written."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return int(self._stream.write(JWT.sub("[redacted]", text)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class UsageErrors:
    """Standard error, except that pytest's `ERROR: ` lines about its arguments are kept in `text` and not shown."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.text = ""

    def write(self, text: str) -> int:
        """Keep pytest's usage errors, write the rest; the number of characters handled."""
        if not text.startswith("ERROR: "):
            return int(self._stream.write(text))
        self.text += text.removeprefix("ERROR: ")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Stopper:
    """A pytest plugin that distinguishes Ctrl-C from an unreadable test file. pytest's exit code does not."""

    interrupted = False

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Note whether it was the user's interruption."""
        self.interrupted = excinfo.type is KeyboardInterrupt  # for such a file pytest raises a subclass


class Tally(Stopper):
    """A pytest plugin that passes the target to the fixtures and counts results.

    With `first` the run ends after the first test whose call fails.
    """

    def __init__(self, run: Run, *, first: bool = False) -> None:
        self.pushproof_run = run
        self.first = first
        self.counts: dict[str, int] = {}
        self.refused: re.Match[str] | None = None  # the message that a token was refused because of a wrong clock
        self.failed: dict[str, str] = {}  # node id -> first failed phase: setup, call or teardown

    def pytest_configure(self, config: Any) -> None:
        """Hand the run to the fixtures."""
        config.pushproof_run = self.pushproof_run

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count a result, and note a failure with its phase."""
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] = self.counts.get(report.outcome, 0) + 1
            if report.outcome == "failed":
                crash = getattr(report.longrepr, "reprcrash", None)
                self.refused = self.refused or (REFUSED.search(crash.message) if crash else None)
                self.failed.setdefault(report.nodeid, report.when)

    def pytest_runtest_logfinish(self) -> None:
        """Stop after a failed call. pytest's own `-x` would also stop after a failed set-up."""
        if self.first and "call" in self.failed.values():
            self.session.shouldfail = "a test failed"

    def pytest_sessionstart(self, session: Any) -> None:
        """Keep the session, which `first` ends."""
        self.session = session

    def pytest_collectreport(self, report: Any) -> None:
        """Count a whole file that is skipped: no test reports it."""
        if report.skipped:
            self.counts["skipped"] = self.counts.get("skipped", 0) + 1


def run_suite(
    run: Run, folder: Path, keyword: str = "", more: str = "", *, tests: Sequence[str] = (), first: bool = False
) -> Tally:
    """Run `folder`/smoke, or only `tests`, in this process. The output goes to standard error.

    `keyword` is pytest's -k, `more` are further arguments. Raises FailedError if not every test could be run,
    UsageError for an option that pytest does not know.
    """

    if not (folder / "smoke").is_dir():
        raise FailedError(f"{folder / 'smoke'} is missing: nothing is proved", "`pushproof init` writes a first test")
    make_room(run.settings.state_dir)
    tally = Tally(run, first=first)
    paths = [str(folder.parent / name) for name in tests] or [str(folder / "smoke")]
    arguments = [*paths, "--rootdir", str(folder.parent), "-q", "--tb=short", "--no-header"]
    arguments += ["-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:unraisableexception", "-W", "default"]
    arguments += ["-k", keyword] if keyword else []
    with contextlib.redirect_stdout(Redacted(sys.stderr, run.target)):
        code = run_pytest([*arguments, *shlex.split(more)], tally)
    if tally.interrupted:
        raise KeyboardInterrupt
    if code == NO_TESTS or (code == PASSED and not tally.counts):
        raise FailedError("no test was run: nothing is proved", "loosen -k; `pytest --co tests/smoke` lists them")
    if code == UNREAD:
        raise FailedError("a test file cannot be read: nothing is proved", "pytest's output above says why")
    if code not in (PASSED, FAILED):
        raise FailedError(f"pytest could not run the tests (its exit code {code})", "its output above says why")
    return tally


def run_pytest(arguments: list[str], plugin: object) -> int:
    """Run pytest; its exit code. Raises UsageError with its message for an option or expression that it refuses."""
    import pytest

    errors = UsageErrors(sys.stderr)
    with contextlib.redirect_stderr(cast("TextIO", errors)):
        code = int(pytest.main([*arguments, *IN_PROCESS], plugins=[plugin]))
    if code == USAGE and not errors.text:  # a conftest.py that cannot be imported
        return UNREAD
    if code == USAGE:
        match = re.search(r"error: (.+)", errors.text)
        cause = match[1] if match else errors.text.strip() or "it does not know one of the options"
        raise UsageError(f"pytest: {cause}", "`pytest --help` explains its options; -k takes names with and, or, not")
    return code
