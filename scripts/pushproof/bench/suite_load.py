"""`pushproof bench --suite load`: Locust drives many users who signed in, and nobody may see another's row."""

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
ARRIVALS = 10  # users a second


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """What `pushproof bench --suite load` is asked to do. `seconds`: for which all users are there."""

    users: int = 50
    seconds: int = 30


def check(run: Run, options: LoadOptions) -> None:
    """Before anything runs. Raises UsageError, ProjectError, PartsError, RefusedError on production."""
    if options.users < 2 or options.seconds < 1:
        raise UsageError("a load takes two users and a second at least", "--users 50 --seconds 30 is usual")
    if not (run.settings.supabase_dir / FILE).exists():
        raise ProjectError(f"no supabase/{FILE}", "docs/bench.md says how it is written")
    if not find_spec("locust"):
        raise PartsError("the load needs locust, which is not installed", "pip install -e '.[bench]'")
    refuse_production(run.settings, "a load makes users and rows")


def load(run: Run, settings: Settings, options: LoadOptions, machine: str) -> dict[str, Any]:
    """Drive, and report. Raises FailedError for a row of another, a request that failed, and where no row was seen."""
    with tempfile.TemporaryDirectory() as folder, run.console.doing(f"{options.users} users for {options.seconds} s"):
        report = Path(folder) / "report.json"
        try:
            done = process.run(_command(settings, options, report), env=_environment(settings), cwd=settings.project)
        finally:
            stuck = clear(Run("", as_json=True, settings=settings, quiet=True).target, settings.state_dir)[1]
        if not report.exists():
            raise FailedError("Locust did not finish", "its output is below", details=done.stderr[-2000:])
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    _show(run, found, options, machine=machine)
    _judge(found)
    refuse_stuck(stuck)
    return found


def _command(settings: Settings, options: LoadOptions, report: Path) -> list[str | Path]:
    seconds = options.seconds + options.users // ARRIVALS + 1
    words = ["--headless", "--only-summary", "--users", f"{options.users}", "--spawn-rate", f"{ARRIVALS}"]
    words += ["--run-time", f"{seconds}s", "--exit-code-on-error", "0"]
    file = settings.supabase_dir / FILE
    return [sys.executable, "-m", "locust", "--locustfile", file, *words, "--report", report]


def _environment(settings: Settings) -> dict[str, str]:
    """A stack of our own is found by its folder, another target by the settings as they were given to us."""
    if settings.target == "embedded":
        return environment_of(settings)
    given = {name: value for name, value in os.environ.items() if name.startswith("SUPABASE_")}
    return process.inherited(**given | {"SUPABASE_WORKDIR": str(settings.project), "SUPABASE_TARGET": settings.target})


def _show(run: Run, found: Mapping[str, Any], options: LoadOptions, machine: str) -> None:
    console = run.console
    columns = ("milliseconds", "requests", "failures", "median", "p95", "p99")
    rows = [
        (f"{one['method']} {one['name']}".strip(), *(f"{one[name]:g}" for name in columns[1:]))
        for one in found["by_request"]
    ]
    console.table(columns, rows)
    for error in found["errors"]:
        console.line(f"{error['request']}: {error['kind']}", ok=False, head=f"{error['times']} times")
    for example in found["examples"]:
        console.line(example, ok=False, head="another's")
    words = f"{found['rows']:,} shown, {found['own']:,} say that they are the asker's, {found['foreign']:,} another's"
    console.line(words, ok=not found["foreign"], head="rows")
    rate = f"{found['requests_a_second']:.0f} requests a second by {counted(options.users, 'user')}"
    failed = f"{found['failures']:,} of {found['requests']:,} failed"
    console.line(f"{rate}, {failed} · {machine}", ok=not found["failures"], head="load")
    console.data({**found, "machine": machine, "users": options.users, "seconds": options.seconds})


def _judge(found: Mapping[str, Any]) -> None:
    if found["foreign"]:
        raise FailedError(
            f"somebody saw {counted(found['foreign'], 'row')} of another: {found['examples'][0]}",
            "`pushproof rls` finds the policy that lets them; `owner` in supabase/access.toml says whose a row is",
        )
    if found["errors"]:
        worst, *others = found["errors"]
        raise FailedError(
            f"{worst['request']}: {worst['kind']}, {counted(worst['times'], 'time')}"
            + (f", and {counted(len(others), 'other kind')} of failures" if others else ""),
            "mend the flow, or fewer users with --users; `pushproof logs` and `pushproof monitor` show more",
        )
    if not found["own"]:
        raise FailedError(
            "no row had a known owner: nothing is proved",
            "let the flow read rows with the column that access.toml calls `owner`, or write `self.mark` into them",
        )
