"""The project's own pytest suite, tests/smoke, with users who really sign in.

As a program it runs all tests or those that are named on the target that the environment names, and prints which
failed in what phase as JSON: that is how `invoke mutate --suite pytest` asks it about a broken copy.
"""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO, cast

from scripts.boundary import Run, boundary
from scripts.clocks import REFUSED
from scripts.errors import FailedError, UsageError
from scripts.targets import Target

TESTS = Path(__file__).parent.parent / "tests"
PASSED, FAILED, USAGE, NO_TESTS = 0, 1, 4, 5  # pytest's exit codes
FIRST = "--first"  # for the program: end at the first test that fails in its call
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


class Complaints:
    """Standard error, of which pytest's own `ERROR: ` lines about how it was called are kept instead of shown."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.text = ""

    def write(self, text: str) -> int:
        if not text.startswith("ERROR: "):
            return int(self._stream.write(text))
        self.text += text.removeprefix("ERROR: ")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Stopper:
    """A pytest plugin: tells Ctrl-C from a test file that cannot be read, which pytest's exit code does not."""

    interrupted = False

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        self.interrupted = excinfo.errisinstance(KeyboardInterrupt)


class Tally(Stopper):
    """A pytest plugin: hands the target to the fixtures, and counts. `first` ends it at a call that fails."""

    def __init__(self, run: Run, *, first: bool = False) -> None:
        self.pushproof_run = run
        self.first = first
        self.counts: dict[str, int] = {}
        self.refused: re.Match[str] | None = None  # a token, by another clock
        self.failed: dict[str, str] = {}  # in their order, each once, with the phase: setup, call or teardown

    def pytest_configure(self, config: Any) -> None:
        config.pushproof_run = self.pushproof_run

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] = self.counts.get(report.outcome, 0) + 1
            if report.outcome == "failed":
                crash = getattr(report.longrepr, "reprcrash", None)
                self.refused = self.refused or (REFUSED.search(crash.message) if crash else None)
                self.failed.setdefault(report.nodeid, report.when)

    def pytest_runtest_logfinish(self) -> None:
        """After each test. pytest's own `-x` would end at a set-up that fails."""
        if self.first and "call" in self.failed.values():
            self.session.shouldfail = "a test failed"

    def pytest_sessionstart(self, session: Any) -> None:
        self.session = session

    def pytest_collectreport(self, report: Any) -> None:
        """A whole file may be skipped, which no test's own report says."""
        if report.skipped:
            self.counts["skipped"] = self.counts.get("skipped", 0) + 1


def run_suite(run: Run, keyword: str = "", more: str = "", *, tests: Sequence[str] = (), first: bool = False) -> Tally:
    """Run tests/smoke, or of it `tests` alone, in this process; its words go to standard error.

    Raises FailedError where not every test could be run, UsageError for an option pytest does not know.
    """

    tally = Tally(run, first=first)
    asked = [str(TESTS.parent / name) for name in tests] or [str(TESTS / "smoke")]
    arguments = [*asked, "--rootdir", str(TESTS.parent), "-q", "--tb=short", "--no-header"]
    arguments += ["-p", "no:cacheprovider", "-p", "no:anyio", "-p", "no:unraisableexception", "-W", "default"]
    arguments += ["-k", keyword] if keyword else []
    with contextlib.redirect_stdout(Redacted(sys.stderr, run.target)):
        code = run_pytest([*arguments, *shlex.split(more)], tally)
    if tally.interrupted:
        raise KeyboardInterrupt
    if code == NO_TESTS or (code == PASSED and not tally.counts):
        raise FailedError("no test was run: nothing is proved", "loosen -k; `pytest --co tests/smoke` lists them")
    if code not in (PASSED, FAILED):
        raise FailedError(f"pytest could not run the tests (its exit code {code})", "its words above say why")
    return tally


def run_pytest(arguments: list[str], plugin: object) -> int:
    """pytest's exit code. Raises UsageError, in its words, for an option or an expression that it does not take."""
    import pytest

    complaints = Complaints(sys.stderr)
    with contextlib.redirect_stderr(cast("TextIO", complaints)):
        code = int(pytest.main(arguments, plugins=[plugin]))
    if code == USAGE:
        found = re.search(r"error: (.+)", complaints.text)
        cause = found[1] if found else complaints.text.strip() or "it does not know one of the options"
        raise UsageError(f"pytest: {cause}", "`pytest --help` explains its options; -k takes names with and, or, not")
    return code


if __name__ == "__main__":
    with boundary("remote") as remote_run:
        names = [word for word in sys.argv[1:] if word != FIRST]
        failed = run_suite(remote_run, tests=names, first=FIRST in sys.argv).failed
        print(json.dumps(failed))  # noqa: T201 - for our parent
