"""`pushproof bench --suite schema`: the named queries of supabase/bench at growing sizes, and what indexes gain."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pushproof.base.console import Console, counted
from pushproof.base.errors import FailedError, UsageError
from pushproof.base.settings import Settings
from pushproof.bench import costs, report, rest, server, writes
from pushproof.bench.files import Query, Row, data_of, queries_of, sampled
from pushproof.bench.filling import BLOCK, fill
from pushproof.bench.generator import requests_a_second
from pushproof.bench.results import Comparison, Result, Times, Variant
from pushproof.bench.suite_rls import peak_megabytes
from pushproof.deploy.pushing import push
from pushproof.proof.asking import RestApi
from pushproof.stack.embedded import Stack, api_of
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_project
from pushproof.target.database import connect

SESSIONS = (1, 4, 16)  # that write side by side
CALLERS = max(SESSIONS)  # users who sign in, where there are so many
WRITTEN = 3_000  # rows of a sample that is written: all that these users have


@dataclass(frozen=True, kw_only=True)
class SchemaOptions:
    """What `pushproof bench --suite schema` is asked to do.

    `against`: a folder of other migrations; `plots`: where to draw.
    `samples`: executions of each query; `seconds`: for which each number of sessions writes by SQL, and by REST.
    """

    rows: int = 1_000_000
    against: str = ""
    plots: str = ""
    seed: int = 1
    samples: int = 200
    seconds: float = 6


def schema(run: Run, settings: Settings, options: SchemaOptions, machine: str) -> Comparison:
    """Fill, measure, show. Raises UsageError, ProjectError; FailedError where an index is not used as it is meant."""
    _check(options)
    folder = settings.supabase_dir / "bench"
    queries, files = queries_of(folder), data_of(folder)
    with contextlib.ExitStack() as stack:
        own = _variant(settings, "this project", queries)
        found = Comparison(_sizes(options.rows), own, [])
        if options.against:
            other = _other(settings, options.against, Path(options.against), queries=queries)
            found.others.append(stack.enter_context(other))
        _fill_and_ask(run.console, found, files, folder=folder, options=options)
        with _other(settings, "the smallest size", settings.migrations_dir, queries=queries) as small:
            _load(run.console, small, files, seed=options.seed, former=0, size=found.sizes[0])
            _grow(run.console, own, small, folder=folder, options=options)
        writing = [query for query in queries if query.writes]
        for asked in writing:
            _take_apart(run.console, found.variants, asked, folder=folder, options=options)
        for one in found.variants:
            _finish(run.console, one, folder, options=options)
        for asked in writing:
            _write(run.console, found.variants, asked, folder=folder, options=options)
    report.show(run.console, found)
    if options.plots:
        from pushproof.bench import plots

        for file in plots.draw(found, machine, Path(options.plots)):
            run.console.status(str(file), head="drew")
    megabytes = peak_megabytes()
    run.console.line(f"{machine}; up to {options.samples} executions of each query; {megabytes:.0f} MB of memory")
    run.console.data(report.document(found, machine, options.seed, megabytes=megabytes))
    _judge(found.own)
    return found


def _check(options: SchemaOptions) -> None:
    """Before anything runs."""
    if options.rows < BLOCK or options.rows % BLOCK:
        raise UsageError(f"--rows {options.rows} is not a multiple of {BLOCK:,}", "--rows 1000000 is usual")
    if options.samples < 1:
        raise UsageError(f"{options.samples} samples are too few", "--samples 200 is usual")
    if options.against and not list(Path(options.against).glob("*.sql")):
        raise UsageError(f"there is no migration in {options.against}", "--against names a folder of .sql files")
    if options.plots:
        from pushproof.bench.plots import require

        require()


def _sizes(rows: int) -> list[int]:
    powers = [10**n for n in range(4, 8) if 10**n < rows]
    return [*powers, rows]


def _variant(settings: Settings, name: str, queries: Sequence[Query]) -> Variant:
    run = Run("", as_json=True, settings=settings, quiet=True)
    push(run)
    return Variant(name=name, settings=settings, target=run.target, results={q.name: Result(q) for q in queries})


@contextlib.contextmanager
def _other(settings: Settings, name: str, folder: Path, queries: Sequence[Query]) -> Iterator[Variant]:
    """These migrations on a stack of their own."""
    with scratch_project(settings, in_memory=False) as copy:
        shutil.rmtree(copy.migrations_dir)
        copy.migrations_dir.mkdir()
        for file in folder.glob("*.sql"):
            shutil.copy(file, copy.migrations_dir)
        yield _variant(copy, name, queries)


def _fill_and_ask(console: Console, found: Comparison, files: list[Path], folder: Path, options: SchemaOptions) -> None:
    for former, size in zip([0, *found.sizes], found.sizes, strict=False):
        for one in found.variants:
            _load(console, one, files, seed=options.seed, former=former, size=size)
        _measure(console, found.variants, folder, options=options, size=size)


def _load(console: Console, one: Variant, files: list[Path], seed: int, former: int, size: int) -> None:
    began = time.monotonic()
    with console.progress(f"Filling {one.name}", total=size - former, unit="rows") as advance:
        fill(one.target, files, seed, former=former, rows=size, advance=lambda done: advance(done - former))
    one.seconds += time.monotonic() - began


def _measure(console: Console, variants: Sequence[Variant], folder: Path, options: SchemaOptions, size: int) -> None:
    """Each query, of rows of each variant's own."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(one.target)) for one in variants]
        with console.progress(f"Asking at {size:,}", total=len(variants[0].results), unit="queries") as advance:
            for number, (name, first) in enumerate(variants[0].results.items(), 1):
                asked = [
                    sampled(c, folder, first.query.sample, count=options.samples, seed=options.seed)
                    for c in connections
                ]
                first.query.check(asked[0][0])
                measured = _measured(connections, first.query, asked)
                for one, seen in zip(variants, measured, strict=True):
                    result = one.results[name]
                    result.times[size] = Times.of(seen.milliseconds)
                    result.buffers[size], result.plan = seen.buffers, seen.plan
                advance(number)


def _grow(console: Console, own: Variant, small: Variant, folder: Path, options: SchemaOptions) -> None:
    """Each query of the smallest size's rows, which the largest holds too: the same question amid more of others."""
    with (
        connect(small.target) as little,
        connect(own.target) as large,
        console.progress("Asking both sizes", total=len(own.results), unit="queries") as advance,
    ):
        for number, result in enumerate(own.results.values(), 1):
            rows = sampled(little, folder, result.query.sample, count=options.samples, seed=options.seed)
            before, after = _measured([little, large], result.query, [rows, rows])
            result.growth = Times.of(after.milliseconds).median / Times.of(before.milliseconds).median
            advance(number)


def _measured(connections: Sequence[Any], one: Query, asked: Sequence[Sequence[Row]]) -> list[server.Measured]:
    found = server.measure(connections, one, asked)
    for connection, seen in zip(connections, found, strict=True):
        if seen.wrote:
            connection.execute("vacuum")  # else the next ones would look after what was rolled back
    return found


def _take_apart(
    console: Console, variants: Sequence[Variant], asked: Query, folder: Path, options: SchemaOptions
) -> None:
    """What is written, part by part."""
    schemas = api_of(variants[0].settings.supabase_dir / "config.toml").schemas
    with contextlib.ExitStack() as stack, console.doing(f"Taking apart: {asked.title}"):
        connections = [stack.enter_context(connect(one.target)) for one in variants]
        rows = [sampled(c, folder, asked.sample, count=options.samples, seed=options.seed) for c in connections]
        for one, parts in zip(variants, costs.by_part(connections, asked, rows, schemas=schemas), strict=True):
            one.parts = parts
        for connection in connections:
            connection.execute("vacuum (analyze)")


def _finish(console: Console, one: Variant, folder: Path, options: SchemaOptions) -> None:
    """At the largest size: the indexes, and REST."""
    api, schemas = RestApi.of(one.target), api_of(one.settings.supabase_dir / "config.toml").schemas
    with (
        connect(one.target) as connection,
        console.doing(f"REST of {one.name}"),
        rest.signed_in(one.target, ids := _callers(connection, folder, options)) as actors,
    ):
        for result in one.results.values():
            asked = result.query
            rows = sampled(connection, folder, asked.sample, count=options.samples, seed=options.seed)
            connection.execute("vacuum (analyze)")  # what was written and rolled back turned plans
            result.indexes, one.indexes = server.indexes_read(connection, asked, rows[0], schemas=schemas)
            if asked.rest:
                theirs = sampled(
                    connection, folder, asked.sample, count=options.samples, seed=options.seed, callers=ids
                )
                result.rest = Times.of(rest.milliseconds(api, asked, theirs, actors=actors))


def _write(console: Console, variants: Sequence[Variant], asked: Query, folder: Path, options: SchemaOptions) -> None:
    """Rows a second of all variants in turn, each session's spread over all that its user has."""
    with (
        contextlib.ExitStack() as stack,
        console.progress("Writing", total=len(SESSIONS), unit="numbers of sessions") as advance,
    ):
        rows, requests = [], []
        for one in variants:
            connection = stack.enter_context(connect(one.target))
            ids = _callers(connection, folder, options)
            actors = stack.enter_context(rest.signed_in(one.target, ids))
            each = writes.by_caller(
                sampled(connection, folder, asked.sample, count=WRITTEN, seed=options.seed, callers=ids)
            )
            rows.append(each)
            requests.append([rest.document_of(asked, theirs, actors) for theirs in each])
        for number, count in enumerate(SESSIONS, 1):
            by_sql = _by_sql(variants, asked, rows, count=count, seconds=options.seconds)
            by_rest = writes.rates([*map(partial(_by_rest, console, count), variants, requests)], options.seconds)
            for one, *found in zip(variants, by_sql, by_rest, strict=True):
                one.writes[count] = found[0], found[1]
            advance(number)


def _by_sql(
    variants: Sequence[Variant], asked: Query, rows: Sequence[Sequence[Sequence[Row]]], count: int, seconds: float
) -> list[float]:
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(writes.by_sql(one.target, asked, each, sessions=count))
            for one, each in zip(variants, rows, strict=True)
        ]
        return writes.rates(writers, seconds)


def _by_rest(console: Console, count: int, one: Variant, requests: Sequence[list[dict[str, Any]]]) -> writes.Write:
    port = Stack(one.settings, console).state.ports["api"]
    return lambda seconds: requests_a_second(port, requests, count, seconds=seconds)


def _callers(connection: Any, folder: Path, options: SchemaOptions) -> list[str]:
    """Those who sign in, each once."""
    rows = sampled(connection, folder, "callers", count=CALLERS, seed=options.seed)
    return [*dict.fromkeys(str(row["caller"]) for row in rows)]


def _judge(own: Variant) -> None:
    if wrong := own.wrong:
        raise FailedError(
            f"{wrong[0]}" + (f", and {counted(len(wrong) - 1, 'more finding')}" if wrong[1:] else ""),
            "the plans are in --json; name another index in the query's header, mend the query, or drop the index",
            details="\n".join(wrong[1:]),
        )
