"""`pushproof bench --suite load`: Locust drives many signed-in users, and no user may see another user's row."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pushproof.base import process
from pushproof.base.console import counted
from pushproof.base.errors import FailedError, PartsError, ProjectError, UsageError
from pushproof.base.settings import Settings
from pushproof.migrations.gate import refuse_production
from pushproof.proof.leftovers import clear, refuse_stuck
from pushproof.stack.run import Run
from pushproof.stack.scratch import environment_of

FILE = "bench/locustfile.py"
ARRIVALS = 10  # users who sign up per second


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """The options of `pushproof bench --suite load`. `seconds`: how long all users are active."""

    users: int = 50
    seconds: int = 30


def check(run: Run, options: LoadOptions) -> None:
    """Check options, locustfile and Locust. Raises UsageError, ProjectError, PartsError, RefusedError on production."""
    if options.users < 2 or options.seconds < 1:
        raise UsageError("a load needs at least two users and one second", "--users 50 --seconds 30 is usual")
    if not (run.settings.supabase_dir / FILE).exists():
        raise ProjectError(f"there is no supabase/{FILE}", "docs/bench.md says how to write it")
    if not find_spec("locust"):
        raise PartsError("the load needs locust, which is not installed", "pip install -e '.[bench]'")
    refuse_production(run.settings, "a load makes users and rows")


def load(run: Run, settings: Settings, options: LoadOptions, machine: str) -> dict[str, Any]:
    """Run Locust and report. Raises FailedError for another user's row, a failed request, or no row with an owner."""
    with tempfile.TemporaryDirectory() as folder, run.console.doing(f"{options.users} users for {options.seconds} s"):
        report = Path(folder) / "report.json"
        try:
            done = process.run(_command(settings, options, report), env=_environment(settings), cwd=settings.project)
        finally:
            stuck = clear(Run("", as_json=True, settings=settings, quiet=True).target, settings.state_dir)[1]
        if not report.exists():
            raise FailedError("Locust did not finish", "its output is below", details=done.stderr[-2000:])
        results: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    _show(run, results, options, machine=machine)
    _judge(results)
    refuse_stuck(stuck)
    return results


def _command(settings: Settings, options: LoadOptions, report: Path) -> list[str | Path]:
    seconds = options.seconds + options.users // ARRIVALS + 1
    arguments = ["--headless", "--only-summary", "--users", f"{options.users}", "--spawn-rate", f"{ARRIVALS}"]
    arguments += ["--run-time", f"{seconds}s", "--exit-code-on-error", "0"]
    file = settings.supabase_dir / FILE
    return [sys.executable, "-m", "locust", "--locustfile", file, *arguments, "--report", report]


def _environment(settings: Settings) -> dict[str, str]:
    """The scratch stack is found by its folder, another target by the settings of this process."""
    if settings.target == "embedded":
        return environment_of(settings)
    given = {name: value for name, value in os.environ.items() if name.startswith("SUPABASE_")}
    return process.inherited(**given | {"SUPABASE_WORKDIR": str(settings.project), "SUPABASE_TARGET": settings.target})


def _show(run: Run, results: Mapping[str, Any], options: LoadOptions, machine: str) -> None:
    console = run.console
    columns = ("milliseconds", "requests", "failures", "median", "p95", "p99")
    rows = [
        (f"{request['method']} {request['name']}".strip(), *(f"{request[name]:g}" for name in columns[1:]))
        for request in results["by_request"]
    ]
    console.table(columns, rows)
    for error in results["errors"]:
        console.line(f"{error['request']}: {error['kind']}", ok=False, head=f"{error['times']} times")
    for example in results["examples"]:
        console.line(example, ok=False, head="another's")
    counts = (
        f"{results['rows']:,} seen, {results['own']:,} of the user who asked, {results['foreign']:,} of another user"
    )
    console.line(counts, ok=not results["foreign"], head="rows")
    rate = f"{results['requests_a_second']:.0f} requests a second by {counted(options.users, 'user')}"
    failed = f"{results['failures']:,} of {results['requests']:,} failed"
    console.line(f"{rate}, {failed} · {machine}", ok=not results["failures"], head="load")
    console.data({**results, "machine": machine, "users": options.users, "seconds": options.seconds})


def _judge(results: Mapping[str, Any]) -> None:
    """Raises FailedError for another user's row, a failed request, or no row with a known owner."""
    if results["foreign"]:
        raise FailedError(
            f"somebody saw {counted(results['foreign'], 'row')} of another user: {results['examples'][0]}",
            "`pushproof rls` finds the policy that allows it; `owner` in supabase/access.toml says whose a row is",
        )
    if results["errors"]:
        worst, *others = results["errors"]
        raise FailedError(
            f"{worst['request']}: {worst['kind']}, {counted(worst['times'], 'time')}"
            + (f", and {counted(len(others), 'other kind')} of failures" if others else ""),
            "fix the flow, or try fewer --users; `pushproof logs` and `pushproof monitor` show more",
        )
    if not results["own"]:
        raise FailedError(
            "no row had a known owner: nothing is proved",
            "let the flow read rows with the column that access.toml calls `owner`, or write `self.mark` into them",
        )
