"""`invoke bench --suite schema`: the named queries of supabase/bench at growing sizes, and what its indexes are for."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.boundary import Run
from scripts.commands.bench_rls import peak_megabytes
from scripts.commands.push import push
from scripts.console import Console, counted
from scripts.database import connect
from scripts.errors import FailedError, UsageError
from scripts.rls.asking import Api
from scripts.scratch import scratch_project
from scripts.settings import Settings
from scripts.stack import Stack, api_of
from scripts.workload import report, rest, server, writes
from scripts.workload.files import Query, Row, data_of, queries_of, sampled
from scripts.workload.filling import BLOCK, fill
from scripts.workload.generator import requests_a_second
from scripts.workload.results import Comparison, Result, Times, Variant

SESSIONS = (1, 4, 16)  # that write side by side
CALLERS = max(SESSIONS)  # users who sign in, where there are so many


@dataclass(frozen=True)
class Options:
    """What `invoke bench --suite schema` was told. `against`: a folder of other migrations; `plots`: where to draw.

    `samples`: executions of each query; `seconds`: for which each number of sessions writes.
    """

    messages: int = 1_000_000
    against: str = ""
    plots: str = ""
    seed: int = 1
    samples: int = 200
    seconds: float = 3


def schema(run: Run, settings: Settings, options: Options, machine: str) -> Comparison:
    """Fill, measure, show. Raises UsageError, ProjectError; FailedError where an index is not used as it is meant."""
    _check(options)
    folder = settings.supabase_dir / "bench"
    queries, files = queries_of(folder), data_of(folder)
    with contextlib.ExitStack() as stack:
        own = _variant(settings, "this project", queries)
        found = Comparison(_sizes(options.messages), own, [])
        if options.against:
            other = _other(settings, options.against, Path(options.against), queries)
            found.others.append(stack.enter_context(other))
        for former, size in zip([0, *found.sizes], found.sizes, strict=False):
            for one in found.variants:
                _load(run.console, one, files, options.seed, former, size)
            _measure(run.console, found.variants, folder, options, size)
        with _other(settings, "the smallest size", settings.migrations_dir, queries) as small:
            _load(run.console, small, files, options.seed, 0, found.sizes[0])
            _grow(run.console, own, small, folder, options)
        for one in found.variants:
            _finish(run.console, one, folder, options)
    report.show(run.console, found)
    if options.plots:
        from scripts.workload import plots

        for file in plots.draw(found, machine, Path(options.plots)):
            run.console.status(str(file), head="drew")
    megabytes = peak_megabytes()
    run.console.line(f"{machine}; up to {options.samples} executions of each query; {megabytes:.0f} MB of memory")
    run.console.data(report.document(found, machine, options.seed, megabytes))
    _judge(found.own)
    return found


def _check(options: Options) -> None:
    """Before anything runs."""
    if options.messages < BLOCK or options.messages % BLOCK:
        raise UsageError(f"--messages {options.messages} is no multiple of {BLOCK:,}", "--messages 1000000 is usual")
    if options.samples < 1:
        raise UsageError(f"{options.samples} samples measure nothing", "--samples 200 is usual")
    if options.against and not list(Path(options.against).glob("*.sql")):
        raise UsageError(f"there is no migration in {options.against}", "--against names a folder of .sql files")
    if options.plots:
        from scripts.workload.plots import require

        require()


def _sizes(messages: int) -> list[int]:
    powers = [10**n for n in range(4, 8) if 10**n < messages]
    return [*powers, messages]


def _variant(settings: Settings, name: str, queries: Sequence[Query]) -> Variant:
    run = Run("", as_json=True, settings=settings, quiet=True)
    push(run)
    return Variant(name, settings, run.target, {q.name: Result(q) for q in queries})


@contextlib.contextmanager
def _other(settings: Settings, name: str, folder: Path, queries: Sequence[Query]) -> Iterator[Variant]:
    """These migrations on a stack of their own."""
    with scratch_project(settings, in_memory=False) as copy:
        shutil.rmtree(copy.migrations_dir)
        copy.migrations_dir.mkdir()
        for file in folder.glob("*.sql"):
            shutil.copy(file, copy.migrations_dir)
        yield _variant(copy, name, queries)


def _load(console: Console, one: Variant, files: list[Path], seed: int, former: int, size: int) -> None:
    began = time.monotonic()
    with console.progress(f"Filling {one.name}", total=size - former, unit="messages") as advance:
        fill(one.target, files, seed, former, size, lambda done: advance(done - former))
    one.seconds += time.monotonic() - began


def _measure(console: Console, variants: Sequence[Variant], folder: Path, options: Options, size: int) -> None:
    """Each query, of rows of each variant's own."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(one.target)) for one in variants]
        with console.progress(f"Asking at {size:,}", total=len(variants[0].results), unit="queries") as advance:
            for number, (name, first) in enumerate(variants[0].results.items(), 1):
                asked = [
                    sampled(c, folder, first.query.sample, options.samples, options.seed, None) for c in connections
                ]
                first.query.check(asked[0][0])
                measured = _measured(connections, first.query, asked)
                for one, seen in zip(variants, measured, strict=True):
                    result = one.results[name]
                    result.times[size] = Times.of(seen.milliseconds)
                    result.buffers[size], result.plan = seen.buffers, seen.plan
                advance(number)


def _grow(console: Console, own: Variant, small: Variant, folder: Path, options: Options) -> None:
    """Each query of the smallest size's rows, which the largest holds too: the same question amid more of others."""
    with (
        connect(small.target) as little,
        connect(own.target) as large,
        console.progress("Asking both sizes", total=len(own.results), unit="queries") as advance,
    ):
        for number, result in enumerate(own.results.values(), 1):
            rows = sampled(little, folder, result.query.sample, options.samples, options.seed, None)
            before, after = _measured([little, large], result.query, [rows, rows])
            result.growth = Times.of(after.milliseconds).median / Times.of(before.milliseconds).median
            advance(number)


def _measured(connections: Sequence[Any], one: Query, asked: Sequence[Sequence[Row]]) -> list[server.Measured]:
    found = server.measure(connections, one, asked)
    for connection, seen in zip(connections, found, strict=True):
        if seen.wrote:
            connection.execute("vacuum")  # else the next ones would look after what was rolled back
    return found


def _finish(console: Console, one: Variant, folder: Path, options: Options) -> None:
    """At the largest size: the indexes, REST, writes."""
    api, schemas = Api.of(one.target), api_of(one.settings.supabase_dir / "config.toml").schemas
    port = Stack(one.settings, console).state.ports["api"]
    with connect(one.target) as connection:
        ids = [str(r["caller"]) for r in sampled(connection, folder, "callers", CALLERS, options.seed, None)]
        with (
            console.doing(f"REST and writes of {one.name}"),
            rest.signed_in(one.target, [*dict.fromkeys(ids)]) as actors,
        ):
            for result in one.results.values():
                asked = result.query
                rows = sampled(connection, folder, asked.sample, options.samples, options.seed, None)
                connection.execute("vacuum (analyze)")  # what was written and rolled back turned plans
                result.indexes, one.indexes = server.indexes_read(connection, asked, rows[0], schemas)
                if not asked.rest:
                    continue
                theirs = sampled(connection, folder, asked.sample, options.samples, options.seed, ids)
                result.rest = Times.of(rest.milliseconds(api, asked, theirs, actors))
                if asked.writes:
                    each = writes.one_each(theirs)
                    requests = rest.document_of(asked, each, actors)
                    for count in SESSIONS:
                        by_sql = writes.by_sql(one.target, asked, each, count, options.seconds)
                        one.writes[count] = by_sql, requests_a_second(port, requests, count, options.seconds)


def _judge(own: Variant) -> None:
    if wrong := own.wrong:
        raise FailedError(
            f"{wrong[0]}" + (f", and {counted(len(wrong) - 1, 'more finding')}" if wrong[1:] else ""),
            "the plans are in --json; name another index in the query's header, mend the query, or drop the index",
            details="\n".join(wrong[1:]),
        )
