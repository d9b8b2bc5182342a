"""`invoke smoke` and `invoke test`: push, verify, then pytest with users who really sign in."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import time
import uuid
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from scripts import process
from scripts.api import check_keys, http_date
from scripts.boundary import Run, import_meanwhile
from scripts.checks import Verdict, verdicts_of
from scripts.clocks import token_refused
from scripts.commands.push import push
from scripts.commands.verify import report_red
from scripts.errors import FailedError, PartsError
from scripts.gate import turn
from scripts.suite import TESTS, Stopper, Tally, run_pytest, run_suite

NAMED = 10  # failed tests; more are counted
MOST_WORKERS = 4  # each with stacks of its own
WORKER_SECONDS = 2  # for an interrupted one to clean up, and then for what it left
MARK = "PUSHPROOF_TESTS"  # in the environment of whatever the tests start


def smoke(run: Run, *, keyword: str, pytest_args: str) -> None:
    """Start if needed, push, verify, run tests/smoke; one summary. Raises FailedError for anything red."""
    began = time.monotonic()
    import_meanwhile("supabase", "pytest")
    pushed = push(run).names
    target = run.target
    check_keys(target)
    with turn(run, shared=True):
        verdicts = verdicts_of(target, run.settings.supabase_dir / "checks")
        report_red(run, verdicts)
        tally = run_suite(run, keyword, pytest_args)
    if tally.failed:
        run.check()
    if tally.refused:
        raise token_refused(target.kind, target.url, "a test", tally.refused[0], "", http_date(target.url))
    summarise(run, pushed, verdicts, tally, time.monotonic() - began)


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
        """End the workers and every stack of their tests."""
        process.stop(*process.marked(MARK, self.token), how=signal.SIGINT, timeout=WORKER_SECONDS)


def test(*, keyword: str, pytest_args: str) -> None:
    """Run the whole of tests/; pytest's own closing line is the summary. Raises FailedError, PartsError."""
    if not find_spec("xdist"):
        raise PartsError("pushproof's own tests need more than is installed", "pip install -e '.[test]'")
    if keyword:  # a wrong expression makes workers crash: it is tried on one file first
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            run_pytest(["--collect-only", "-k", keyword, str(TESTS / "unit" / "test_console.py")], object())
    count = min(os.cpu_count() or 1, MOST_WORKERS)
    arguments = [str(TESTS), "--rootdir", str(TESTS.parent), *(["-k", keyword] if keyword else [])]
    arguments += ["-n", f"{count}", "--dist", "load"]  # each worker keeps the order: tests/smoke comes last
    workers = Workers()
    try:
        code = run_pytest([*arguments, *shlex.split(pytest_args)], workers)
    finally:
        workers.end()
    if workers.interrupted:
        raise KeyboardInterrupt
    if code:
        raise FailedError(f"pytest ended with code {code}", "the failures are listed above")
