"""How `invoke test` and `invoke faults` run the tests of this folder."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import uuid
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from pushproof.base import process
from pushproof.base.errors import FailedError, PartsError
from pushproof.checks.suite import Stopper, run_pytest
from pushproof.stack.run import Run

TESTS = Path(__file__).parent
WORKERS_A_CORE, MOST_WORKERS = 2, 8  # half of the time a test waits; each worker has stacks of its own
WORKER_SECONDS = 2  # for an interrupted one to clean up, and then for what it left
ROUNDS = 2  # of looking for what they started
MARK = "PUSHPROOF_TESTS"  # in the environment of whatever the tests start


class Workers(Stopper):
    """Tells the workers of an interruption, and what they started before they could end it."""

    def __init__(self) -> None:
        self.token = os.environ[MARK] = uuid.uuid4().hex

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        super().pytest_keyboard_interrupt(excinfo)
        workers = psutil.Process().children()
        for worker in workers:
            worker.send_signal(signal.SIGINT)
        psutil.wait_procs(workers, timeout=WORKER_SECONDS)
        self.end()

    def end(self) -> None:
        """End the workers and every stack of their tests, also one that starts meanwhile."""
        for _ in range(ROUNDS):
            process.stop(*process.marked(MARK, self.token), how=signal.SIGINT, timeout=WORKER_SECONDS)


def test(*, keyword: str, pytest_args: str) -> None:
    """Run the whole of tests/; pytest's own closing line is the summary. Raises FailedError, PartsError."""
    if not find_spec("xdist"):
        raise PartsError("pushproof's own tests need more than is installed", "pip install -e '.[test]'")
    if keyword:  # a wrong expression makes workers crash: it is tried on one file first
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            run_pytest(["--collect-only", "-k", keyword, str(TESTS / "unit" / "test_console.py")], object())
    count = min(WORKERS_A_CORE * (os.cpu_count() or 1), MOST_WORKERS)
    arguments = [str(TESTS), "--rootdir", str(TESTS.parent), *(["-k", keyword] if keyword else [])]
    arguments += ["-n", f"{count}", "--dist", "load"]  # each worker keeps the order
    workers = Workers()
    try:
        code = run_pytest([*arguments, *shlex.split(pytest_args)], workers)
    finally:
        workers.end()
    if workers.interrupted:
        raise KeyboardInterrupt
    if code:
        raise FailedError(f"pytest ended with code {code}", "the failures are listed above")


class Observer(Stopper):
    """A pytest plugin: gathers what each fault's test recorded."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, bool]] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        said = dict(report.user_properties)
        if report.when == "call" or report.outcome != "passed":
            name = said.get("fault", report.nodeid.rpartition("::")[2])
            self.rows.append((name, said.get("observed", report.outcome), report.outcome == "passed"))


def faults(run: Run) -> list[tuple[str, str, bool]]:
    """Each fault with what was observed; on stacks of their own. Raises FailedError where one was not borne."""
    observer = Observer()
    arguments = [str(TESTS / "faults"), "--rootdir", str(TESTS.parent), "-q", "--tb=short", "-p", "no:cacheprovider"]
    with contextlib.redirect_stdout(sys.stderr):
        pytest.main(arguments, plugins=[observer])
    if observer.interrupted:
        raise KeyboardInterrupt
    run.console.table(("fault", "observed"), ((name, observed) for name, observed, _ in observer.rows))
    run.console.data([{"fault": name, "observed": observed, "ok": ok} for name, observed, ok in observer.rows])
    bad = [name for name, observed, ok in observer.rows if not ok and observed != "skipped"]
    if bad or not observer.rows:
        raise FailedError(f"not borne: {', '.join(bad) or 'no fault was tried'}", "the failures are listed above")
    return observer.rows
