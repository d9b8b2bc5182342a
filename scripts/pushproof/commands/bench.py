"""`pushproof bench`: whole commands, memory and requests a second, measured on a stack of its own.

Medians over several runs. The bars are what we promise ourselves on two cores; they are shown, and
nothing fails by them: machines are shared and noisy.
"""

from __future__ import annotations

import contextlib
import itertools
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psutil

from pushproof.base import process
from pushproof.base.console import Console, entry
from pushproof.base.errors import FailedError, UsageError
from pushproof.base.settings import Settings
from pushproof.bench import suite_load, suite_push, suite_rls, suite_schema
from pushproof.bench.generator import requests_a_second
from pushproof.deploy.pushing import push
from pushproof.stack import local
from pushproof.stack.embedded import Stack, api_of
from pushproof.stack.run import Run
from pushproof.stack.schema_cache import exposed
from pushproof.stack.scratch import environment_of, scratch_project
from pushproof.stack.services.postgres import recipe
from pushproof.target.database import connect
from pushproof.target.targets import Target
from pushproof.tools import parts
from pushproof.tools.supabase_cli import Cli

if TYPE_CHECKING:
    from pushproof.base import documents

PROGRAM = (sys.executable, "-m", "pushproof")
CONNECTIONS = 16


@dataclass(frozen=True)
class Figure:
    """One measurement: the median, its spread, its unit, and the bar (None: only stated)."""

    name: str
    median: float
    low: float
    high: float
    unit: str
    bar: float | None


def bench(run: Run, *, suite: str, runs: int, schema: suite_schema.SchemaOptions, load: suite_load.LoadOptions) -> None:
    """Measure and show. Raises UsageError for an unknown suite, FailedError when a measured command fails."""
    suites = {"stack": _figures, "rls": _rls_figures, "push": _push_figures}
    if suite not in (*suites, "schema", "load"):
        raise UsageError(f"no suite {suite!r}", f"choose one of: {', '.join(suites)}, schema, load")
    if runs < 1:
        raise UsageError(f"{runs} runs are too few", "--runs 5 is usual")
    if run.asked and suite != "load":
        raise UsageError(f"the suite {suite} measures a stack of its own", "leave out --target")
    if suite == "load":
        suite_load.check(run, load)
        if run.settings.target != "embedded":
            suite_load.load(run, run.settings, load, _machine())
            return
    with scratch_project(run.settings, in_memory=False) as settings:
        parts.ensure(settings, run.console)
        if suite == "schema":
            suite_schema.schema(run, settings, schema, _machine())
        elif suite == "load":
            push(Run("", as_json=True, settings=settings, quiet=True))
            suite_load.load(run, settings, load, _machine())
        else:
            _report(run, suites[suite](Bench(settings, Stack(settings, run.console), runs)), runs)


def _machine() -> str:
    return f"{psutil.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def _report(run: Run, measured: Iterator[Figure], runs: int) -> None:
    figures = []
    for figure in measured:
        figures.append(figure)
        run.console.status(f"  {figure.name}: {figure.median:g} {figure.unit}")
    run.console.table(
        ("", "median", "range", "bar", "unit"),
        (
            (f.name, f"{f.median:g}", f"{f.low:g} to {f.high:g}", "" if f.bar is None else f"{f.bar:g}", f.unit)
            for f in figures
        ),
    )
    run.console.line(f"{_machine()}; medians of {runs}")
    document: documents.Bench = {"machine": _machine(), "runs": runs, "figures": [entry(f) for f in figures]}
    run.console.data(document)


@dataclass(frozen=True)
class Bench:
    """What the measurements share."""

    settings: Settings
    stack: Stack
    runs: int

    def invoke(self, *words: str) -> str:
        """Run a task on the bench's project; its output. Raises FailedError with its last words."""
        environment = environment_of(self.settings) | {"NO_COLOR": "1"}
        done = process.run([*PROGRAM, *words], cwd=self.settings.project, env=environment)
        if done.code:
            raise FailedError(
                f"invoke {' '.join(words)} ended with {done.code}", "see below", details=done.stderr[-2000:]
            )
        return done.stdout

    def seconds(self, command: Callable[[], object], before: Callable[[], object] = lambda: None) -> list[float]:
        """Wall seconds of `command`, `before` not counted, after one run to warm up."""
        return [_seconds(command, before) for _ in range(self.runs + 1)][1:]


def _seconds(command: Callable[[], object], before: Callable[[], object]) -> float:
    before()
    began = time.perf_counter()
    command()
    return time.perf_counter() - began


def _figures(bench: Bench) -> Iterator[Figure]:
    # `smoke` runs the tests of the project that it is given, here the copy.
    shutil.copytree(bench.settings.tests_dir / "smoke", bench.settings.project / "tests" / "smoke")
    yield _figure("pushproof --list", bench.seconds(lambda: bench.invoke("--list")), "s", 0.25)
    stop = bench.stack.stop
    yield _figure("start to healthy", bench.seconds(lambda: bench.invoke("start"), before=stop), "s", 1.5)
    yield _figure("smoke, stack stopped", bench.seconds(lambda: bench.invoke("smoke"), before=stop), "s", 5)
    yield _figure("smoke, stack running", bench.seconds(lambda: bench.invoke("smoke")), "s", 2.5)
    cli, target = local.cli(bench.settings, Console(as_json=True)), bench.stack.target()
    yield _figure("reset-local, files changed", _reset_anew(bench), "s", None)
    yield _figure("the bare CLI's db reset in it", bench.seconds(lambda: cli.reset(target)), "s", None)
    yield _figure("reset-local, the same files again", _reset_again(bench), "s", 1.5)
    yield _figure("push of one file, beyond the bare CLI", _push_overhead(bench, cli, target), "s", 0.5)
    stop()
    bench.stack.start()
    yield _figure("stack idle, proportional set size", [_pss_mb(bench.stack)], "MB", 200)
    yield _figure("REST through the origin against PostgREST asked directly", _rest_ratio(bench), "%", 70)
    yield from _disk(bench)


def _rls_figures(bench: Bench) -> Iterator[Figure]:
    count, seconds = suite_rls.proof_seconds(bench.settings, bench.runs)
    yield _figure("cells of this project", [count], "", None)
    yield _figure("cells a second, controls and read-backs included", [count / s for s in seconds], "/s", 150)
    yield _figure("mutate, every mutant", bench.seconds(lambda: bench.invoke("mutate")), "s", 20)
    sizes = list(suite_rls.generated(bench.settings))
    for tables, cells, took in sizes:
        yield _figure(f"{tables} generated tables: {cells} cells", [took], "s", 30)
    (_, few, fast), (_, many, slow) = sizes[0], sizes[-1]
    yield _figure("seconds a cell, most tables against fewest", [(slow / many) / (fast / few)], "times", None)
    yield _figure("memory of the tool at its largest", [suite_rls.peak_megabytes()], "MB", 300)


def _push_figures(bench: Bench) -> Iterator[Figure]:
    settings, runs = bench.settings, bench.runs
    yield _figure("rehearsal of this project", suite_push.rehearsal_seconds(bench.invoke, runs), "s", 3)
    idle = suite_push.idle_overhead(settings, lambda: bench.invoke("push"), runs)
    yield _figure("push with nothing pending, beyond the bare CLI", idle, "s", 1)
    rows = suite_push.planning_seconds(settings, bench.invoke, runs)
    yield _figure("1.5 MB of rows before the first statement, beyond one row", rows, "s", 2)
    yield _figure("drift of this project", bench.seconds(lambda: bench.invoke("drift")), "s", 2)
    for copy in suite_push.many_tables(settings):
        large = replace(bench, settings=copy)
        drift = large.seconds(lambda: large.invoke("drift"))  # noqa: B023 - called within the loop
        yield _figure(f"drift of {suite_push.TABLES} generated tables", drift, "s", 10)
    clean = suite_push.clean_rounds(settings, lambda: bench.invoke("push"))
    name = f"clean rounds of {suite_push.PUSHES} pushes at once, of {suite_push.ROUNDS}"
    yield _figure(name, [clean], "", suite_push.ROUNDS)


def _figure(name: str, values: list[float], unit: str, bar: float | None) -> Figure:
    median, low, high = (round(v, 2) for v in (statistics.median(values), min(values), max(values)))
    return Figure(name, median, low, high, unit, bar)


def _reset_anew(bench: Bench) -> list[float]:
    """A reset to files that it sees for the first time."""
    seed, number = bench.settings.supabase_dir / "seed.sql", itertools.count()
    former = seed.read_text() if seed.exists() else ""

    def change() -> None:
        seed.write_text(f"{former}\n-- {next(number)}\n")

    return bench.seconds(lambda: bench.invoke("reset-local"), before=change)


def _reset_again(bench: Bench) -> list[float]:
    """A reset to files whose result it has kept, as it does at the second time."""
    for _ in range(2):
        bench.invoke("reset-local")
    return bench.seconds(lambda: bench.invoke("reset-local"))


def _push_overhead(bench: Bench, cli: Cli, target: Target) -> list[float]:
    """`pushproof push` of one file less the CLI's own push of another such file."""
    versions = itertools.count(100)

    def one_more() -> None:
        version = next(versions)
        file = bench.settings.migrations_dir / f"{version}_measured.sql"
        file.write_text(f"create table public.measured_{version} (id bigint primary key);\n")

    pairs = [
        (_seconds(lambda: bench.invoke("push"), one_more), _seconds(lambda: cli.push(target), one_more))
        for _ in range(bench.runs + 1)  # in turn: a shared machine's speed drifts
    ]
    return [ours - bare for ours, bare in pairs[1:]]


def _pss_mb(stack: Stack) -> float:
    """Proportional set size of every process of the stack, in MB; on macOS, which has none, the unique size."""
    total = 0
    for identity in stack.state.services.values():
        leader = psutil.Process(identity.pid)
        for one in (leader, *leader.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # a worker of PostgreSQL's that just ended
                memory = one.memory_full_info()
                total += getattr(memory, "pss", memory.uss)
    return total / 2**20


def _rest_ratio(bench: Bench) -> list[float]:
    """Requests a second as service_role, through the origin and directly, in turn, as a percentage."""
    state = bench.stack.state
    secret, token = state.secrets["secret_key"], state.secrets["service_role_key"]
    with connect(bench.stack.target()) as connection:
        schema = api_of(bench.settings.supabase_dir / "config.toml").schemas[0]
        relations = sorted(path for path in exposed(connection, schema) if not path.startswith("/rpc/"))
    if not relations:
        raise FailedError("the project exposes no table: nothing can be asked", "push one that service_role may read")
    path = f"{relations[0]}?limit=1"
    asked = {"method": "GET", "path": f"/rest/v1{path}", "headers": {"apikey": secret}}
    direct_asked = {"method": "GET", "path": path, "headers": {"authorization": f"Bearer {token}"}}
    ratios = []
    for _ in range(bench.runs):
        through = requests_a_second(state.ports["api"], [asked], CONNECTIONS)
        direct = requests_a_second(bench.stack.rest_socket, [direct_asked], CONNECTIONS)
        ratios.append(100 * through / direct)
    return ratios


def _disk(bench: Bench) -> Iterator[Figure]:
    found = parts.locate(bench.settings)
    for name, folder in (
        ("disk: npm parts", found.folder),
        ("disk: Node.js in the virtual environment", parts.node().parent.parent),
        ("disk: prepared cluster", found.folder.parent.parent / "clusters" / recipe(found)),
    ):
        yield _figure(name, [parts.megabytes(folder)], "MB", None)
