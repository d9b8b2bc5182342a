"""`pushproof bench`: measure whole commands, memory and requests per second on a scratch stack.

Figures are medians of several runs. The bars are targets for a machine with two cores. A figure beyond its bar is
no failure, because machines are shared and noisy.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil

from pushproof.base.errors import UsageError
from pushproof.bench import suite_load, suite_push, suite_rls, suite_schema, suite_stack
from pushproof.bench.figures import Bench
from pushproof.deploy.pushing import push
from pushproof.stack.embedded import Stack
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_project
from pushproof.tools import parts

if TYPE_CHECKING:
    from pushproof.base import documents


def bench(run: Run, *, suite: str, runs: int, schema: suite_schema.SchemaOptions, load: suite_load.LoadOptions) -> None:
    """Measure one suite and show its figures. Raises UsageError for bad options, FailedError if a command fails."""
    suites = {"stack": suite_stack.figures, "rls": suite_rls.figures, "push": suite_push.figures}
    if suite not in (*suites, "schema", "load"):
        raise UsageError(f"no suite {suite!r}", f"choose one of: {', '.join(suites)}, schema, load")
    if runs < 1:
        raise UsageError(f"{runs} runs are too few", "--runs 5 is usual")
    if run.asked and suite != "load":
        raise UsageError(f"the suite {suite} measures a stack of its own", "leave out --target")
    if suite == "load":
        suite_load.check(run, load)
        if run.settings.target != "embedded":
            suite_load.load(run, run.settings, load, machine=_machine())
            return
    with scratch_project(run.settings, in_memory=False) as settings:
        parts.ensure(settings, run.console)
        if suite == "schema":
            suite_schema.schema(run, settings, schema, machine=_machine())
        elif suite == "load":
            push(Run("", as_json=True, settings=settings, quiet=True))
            suite_load.load(run, settings, load, machine=_machine())
        else:
            _report(run, suites[suite](Bench(settings, Stack(settings, run.console), runs)), runs)


def _machine() -> str:
    return f"{psutil.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _report(run: Run, measured: Iterator[documents.Figure], runs: int) -> None:
    figures = []
    for figure in measured:
        figures.append(figure)
        run.console.status(f"  {figure['name']}: {figure['median']:g} {figure['unit']}")
    run.console.table(
        ("", "median", "range", "bar", "unit"),
        ((f["name"], f"{f['median']:g}", f"{f['low']:g} to {f['high']:g}", _bar(f), f["unit"]) for f in figures),
    )
    run.console.line(f"{_machine()}; medians of {runs}")
    document: documents.Bench = {"machine": _machine(), "runs": runs, "figures": figures}
    run.console.data(document)


def _bar(figure: documents.Figure) -> str:
    return "" if figure["bar"] is None else f"{figure['bar']:g}"
