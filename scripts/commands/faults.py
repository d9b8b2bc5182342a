"""`invoke faults`: what goes wrong in the middle of a push, done for real, and what was observed."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from scripts.boundary import Run
from scripts.errors import FailedError
from scripts.suite import TESTS, Stopper


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
    import pytest

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
