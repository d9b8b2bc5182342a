"""Measurements of whole commands on a project and its stack."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from pushproof.base import process
from pushproof.base.documents import Figure
from pushproof.base.errors import FailedError
from pushproof.base.settings import Settings
from pushproof.stack.embedded import Stack
from pushproof.stack.scratch import environment_of

PROGRAM = (sys.executable, "-m", "pushproof")


def figure(name: str, values: list[float], unit: str, bar: float | None) -> Figure:
    """The figure of these values, one a run."""
    median, low, high = (round(v, 2) for v in (statistics.median(values), min(values), max(values)))
    return {"name": name, "median": median, "low": low, "high": high, "unit": unit, "bar": bar}


@dataclass(frozen=True)
class Bench:
    """The project and stack to measure, and the number of runs."""

    settings: Settings
    stack: Stack
    runs: int

    def invoke(self, *arguments: str) -> str:
        """Run a task on the project; its standard output. Raises FailedError with the end of its standard error."""
        environment = environment_of(self.settings) | {"NO_COLOR": "1"}
        done = process.run([*PROGRAM, *arguments], cwd=self.settings.project, env=environment)
        if done.code:
            raise FailedError(
                f"invoke {' '.join(arguments)} ended with {done.code}", "see below", details=done.stderr[-2000:]
            )
        return done.stdout

    def seconds(self, command: Callable[[], object], before: Callable[[], object] = lambda: None) -> list[float]:
        """Wall seconds of each run of `command`, without `before`. One run to warm up is not counted."""
        return [seconds_of(command, before) for _ in range(self.runs + 1)][1:]


def seconds_of(command: Callable[[], object], before: Callable[[], object]) -> float:
    """Wall seconds of `command`, without `before`."""
    before()
    began = time.perf_counter()
    command()
    return time.perf_counter() - began
