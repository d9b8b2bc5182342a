"""`pushproof bench --suite schema`: measure the queries of supabase/bench at growing sizes, and check their indexes."""

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

SESSIONS = (1, 4, 16)  # numbers of sessions that write concurrently
CALLERS = max(SESSIONS)  # users who sign in, if the sample has so many
WRITTEN = 3_000  # rows of the sample for writes: enough for all rows of these users


@dataclass(frozen=True, kw_only=True)
class SchemaOptions:
    """The options of `pushproof bench --suite schema`.

    `against`: a folder of other migrations; `plots`: a folder for plots; `samples`: executions of each query;
    `seconds`: how long each number of sessions writes by SQL, and by REST.
    """

    rows: int = 1_000_000
    against: str = ""
    plots: str = ""
    seed: int = 1
    samples: int = 200
    seconds: float = 6


def schema(run: Run, settings: Settings, options: SchemaOptions, machine: str) -> Comparison:
    """Fill, measure and report. Raises UsageError, ProjectError, FailedError for a missing or an idle index."""
    _check(options)
    folder = settings.supabase_dir / "bench"
    queries, files = queries_of(folder), data_of(folder)
    with contextlib.ExitStack() as stack:
        own = _variant(settings, "this project", queries)
        comparison = Comparison(_sizes(options.rows), own, [])
        if options.against:
            other = _other(settings, options.against, Path(options.against), queries=queries)
            comparison.others.append(stack.enter_context(other))
        _fill_and_ask(run.console, comparison, files, folder=folder, options=options)
        with _other(settings, "the smallest size", settings.migrations_dir, queries=queries) as small:
            _load(run.console, small, files, seed=options.seed, former=0, size=comparison.sizes[0])
            _grow(run.console, own, small, folder=folder, options=options)
        writing = [query for query in queries if query.writes]
        for query in writing:
            _take_apart(run.console, comparison.variants, query, folder=folder, options=options)
        for variant in comparison.variants:
            _finish(run.console, variant, folder, options=options)
        for query in writing:
            _write(run.console, comparison.variants, query, folder=folder, options=options)
    report.show(run.console, comparison)
    if options.plots:
        from pushproof.bench import plots

        for file in plots.draw(comparison, machine, Path(options.plots)):
            run.console.status(str(file), head="drew")
    megabytes = peak_megabytes()
    run.console.line(f"{machine}; up to {options.samples} executions of each query; {megabytes:.0f} MB of memory")
    run.console.data(report.document(comparison, machine, options.seed, megabytes=megabytes))
    _judge(comparison.own)
    return comparison


def _check(options: SchemaOptions) -> None:
    """Raises UsageError for bad options, PartsError if plots cannot be drawn."""
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
    """The powers of ten from 10,000 below `rows`, then `rows`."""
    powers = [10**n for n in range(4, 8) if 10**n < rows]
    return [*powers, rows]


def _variant(settings: Settings, name: str, queries: Sequence[Query]) -> Variant:
    """Push the migrations of this project."""
    run = Run("", as_json=True, settings=settings, quiet=True)
    push(run)
    return Variant(name=name, settings=settings, target=run.target, results={q.name: Result(q) for q in queries})


@contextlib.contextmanager
def _other(settings: Settings, name: str, folder: Path, queries: Sequence[Query]) -> Iterator[Variant]:
    """The migrations of `folder`, pushed to a scratch stack."""
    with scratch_project(settings, in_memory=False) as copy:
        shutil.rmtree(copy.migrations_dir)
        copy.migrations_dir.mkdir()
        for file in folder.glob("*.sql"):
            shutil.copy(file, copy.migrations_dir)
        yield _variant(copy, name, queries)


def _fill_and_ask(
    console: Console, comparison: Comparison, files: list[Path], folder: Path, options: SchemaOptions
) -> None:
    """Fill all variants to each size in turn, and measure the queries there."""
    for former, size in zip([0, *comparison.sizes], comparison.sizes, strict=False):
        for variant in comparison.variants:
            _load(console, variant, files, seed=options.seed, former=former, size=size)
        _measure(console, comparison.variants, folder, options=options, size=size)


def _load(console: Console, variant: Variant, files: list[Path], seed: int, former: int, size: int) -> None:
    """Fill the variant from `former` to `size` rows."""
    began = time.monotonic()
    with console.progress(f"Filling {variant.name}", total=size - former, unit="rows") as advance:
        fill(variant.target, files, seed, former=former, rows=size, advance=lambda done: advance(done - former))
    variant.seconds += time.monotonic() - began


def _measure(console: Console, variants: Sequence[Variant], folder: Path, options: SchemaOptions, size: int) -> None:
    """Measure each query in the server, for each variant with a sample of its own rows."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(variant.target)) for variant in variants]
        with console.progress(f"Asking at {size:,}", total=len(variants[0].results), unit="queries") as advance:
            for number, (name, first) in enumerate(variants[0].results.items(), 1):
                samples = [
                    sampled(c, folder, first.query.sample, count=options.samples, seed=options.seed)
                    for c in connections
                ]
                first.query.check(samples[0][0])
                measurements = _measured(connections, first.query, samples)
                for variant, measured in zip(variants, measurements, strict=True):
                    result = variant.results[name]
                    result.times[size] = Times.of(measured.milliseconds)
                    result.buffers[size], result.plan = measured.buffers, measured.plan
                advance(number)


def _grow(console: Console, own: Variant, small: Variant, folder: Path, options: SchemaOptions) -> None:
    """The growth of each query: `small` and `own`, the largest size, are asked about the same rows, which both hold."""
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


def _measured(connections: Sequence[Any], query: Query, samples: Sequence[Sequence[Row]]) -> list[server.Measured]:
    measurements = server.measure(connections, query, samples)
    for connection, measured in zip(connections, measurements, strict=True):
        if measured.wrote:
            connection.execute("vacuum")  # or the next queries would read the dead rows of the rolled-back writes
    return measurements


def _take_apart(
    console: Console, variants: Sequence[Variant], query: Query, folder: Path, options: SchemaOptions
) -> None:
    """Measure the parts of a write."""
    schemas = api_of(variants[0].settings.supabase_dir / "config.toml").schemas
    with contextlib.ExitStack() as stack, console.doing(f"Taking apart: {query.title}"):
        connections = [stack.enter_context(connect(variant.target)) for variant in variants]
        rows = [sampled(c, folder, query.sample, count=options.samples, seed=options.seed) for c in connections]
        for variant, parts in zip(variants, costs.by_part(connections, query, rows, schemas=schemas), strict=True):
            variant.parts = parts
        for connection in connections:
            connection.execute("vacuum (analyze)")


def _finish(console: Console, variant: Variant, folder: Path, options: SchemaOptions) -> None:
    """Measure at the largest size the indexes that each query reads, and its time by REST."""
    api, schemas = RestApi.of(variant.target), api_of(variant.settings.supabase_dir / "config.toml").schemas
    with (
        connect(variant.target) as connection,
        console.doing(f"REST of {variant.name}"),
        rest.signed_in(variant.target, ids := _callers(connection, folder, options)) as actors,
    ):
        for result in variant.results.values():
            query = result.query
            rows = sampled(connection, folder, query.sample, count=options.samples, seed=options.seed)
            connection.execute("vacuum (analyze)")  # rolled-back writes can change plans
            result.indexes, variant.indexes = server.indexes_read(connection, query, rows[0], schemas=schemas)
            if query.rest:
                rows = sampled(connection, folder, query.sample, count=options.samples, seed=options.seed, callers=ids)
                result.rest = Times.of(rest.milliseconds(api, query, rows, actors=actors))


def _write(console: Console, variants: Sequence[Variant], query: Query, folder: Path, options: SchemaOptions) -> None:
    """Measure the rows per second of all variants in turn. A session writes all of its user's rows in the sample."""
    with (
        contextlib.ExitStack() as stack,
        console.progress("Writing", total=len(SESSIONS), unit="numbers of sessions") as advance,
    ):
        rows, requests = [], []
        for variant in variants:
            connection = stack.enter_context(connect(variant.target))
            ids = _callers(connection, folder, options)
            actors = stack.enter_context(rest.signed_in(variant.target, ids))
            callers = writes.by_caller(
                sampled(connection, folder, query.sample, count=WRITTEN, seed=options.seed, callers=ids)
            )
            rows.append(callers)
            requests.append([rest.document_of(query, of_caller, actors) for of_caller in callers])
        for number, count in enumerate(SESSIONS, 1):
            by_sql = _by_sql(variants, query, rows, count=count, seconds=options.seconds)
            by_rest = writes.rates([*map(partial(_by_rest, console, count), variants, requests)], options.seconds)
            for variant, *rates in zip(variants, by_sql, by_rest, strict=True):
                variant.writes[count] = rates[0], rates[1]
            advance(number)


def _by_sql(
    variants: Sequence[Variant], query: Query, rows: Sequence[Sequence[Sequence[Row]]], count: int, seconds: float
) -> list[float]:
    """The rows per second of each variant by `count` sessions; `rows` by variant and caller."""
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(writes.by_sql(variant.target, query, callers, sessions=count))
            for variant, callers in zip(variants, rows, strict=True)
        ]
        return writes.rates(writers, seconds)


def _by_rest(console: Console, count: int, variant: Variant, requests: Sequence[list[dict[str, Any]]]) -> writes.Write:
    """A writer of `count` sessions, each with the requests of one caller."""
    port = Stack(variant.settings, console).state.ports["api"]
    return lambda seconds: requests_a_second(port, requests, count, seconds=seconds)


def _callers(connection: Any, folder: Path, options: SchemaOptions) -> list[str]:
    """The ids of the users who sign in, each once."""
    rows = sampled(connection, folder, "callers", count=CALLERS, seed=options.seed)
    return [*dict.fromkeys(str(row["caller"]) for row in rows)]


def _judge(own: Variant) -> None:
    """Raises FailedError for a missing or an idle index."""
    if wrong := own.wrong:
        raise FailedError(
            f"{wrong[0]}" + (f", and {counted(len(wrong) - 1, 'more finding')}" if wrong[1:] else ""),
            "the plans are in --json; name another index in the query's header, fix the query, or drop the index",
            details="\n".join(wrong[1:]),
        )
