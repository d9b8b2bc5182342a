"""The results of `pushproof bench --suite schema` as tables and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pushproof.base.console import Console, entry
from pushproof.bench.results import Comparison, Result, Times, Variant

if TYPE_CHECKING:
    from pushproof.base import documents

GROWTH = 1.3  # bar: the median at the largest size, relative to the smallest
LOADED, LOADING_SECONDS = 1_000_000, 90  # bar: rows, and the seconds to fill them on two cores
WRITTEN = 0.85  # bar: rows written, relative to other migrations in the same time


def show(console: Console, comparison: Comparison) -> None:
    """Print times in the server and by REST, writes, filling and indexes, each figure with its bar."""
    own, size = comparison.own, comparison.sizes[-1]
    headings = (f"in the server at {size:,}, ms", "median", "p95", "p99", "bar", "pages", f"growth (bar {GROWTH})")
    ratios = (f"times as fast as {other.name}" for other in comparison.others)
    console.table((*headings, *ratios), ([*_server(comparison, result)] for result in own.results.values()))
    by_rest = [(result.query.title, *_three(result.rest)) for result in own.results.values() if result.rest]
    console.table(("end to end by REST, ms", "median", "p95", "p99"), by_rest)
    relative = (f"this project relative to it (bar {WRITTEN}): {way}" for way in ("SQL", "REST"))
    console.table(("rows a second", "sessions", "SQL", "REST", *relative), _writes(comparison))
    names = (variant.name for variant in comparison.variants)
    console.table((f"{_writing(own)}, part by part, ms", *names), _parts(comparison))
    for variant in comparison.variants:
        bar = f" (bar {LOADING_SECONDS} s)" if size == LOADED else ""
        console.line(f"{size:,} rows in {variant.seconds:.0f} s{bar}", head=f"filled {variant.name}")
    for result in own.results.values():
        if result.query.grows:
            console.line(f"{result.query.title}: {result.query.grows}", head="* grows")
    if not own.wrong:
        summary = f"each query uses the indexes meant for it, and none of the {len(own.indexes)} is idle"
        console.line(summary, ok=True, head="indexes")


def _server(comparison: Comparison, result: Result) -> Iterator[str]:
    """The cells of a query's line: times in the server at the largest size, and what belongs to them."""
    size, query = comparison.sizes[-1], result.query
    yield query.title
    yield from _three(result.times[size])
    yield "" if query.bar is None else f"{query.bar:g}"
    yield f"{result.buffers[size]}"
    yield f"{result.growth:.2f}" + (" *" if query.grows else "")
    for other in comparison.others:
        yield f"{comparison.ratio(query.name, other):.2f}"


def _three(times: Times | None) -> Iterable[str]:
    return [f"{v:.2f}" if v >= 1 else f"{v:.3f}" for v in (times.median, times.p95, times.p99)] if times else []


def _writes(comparison: Comparison) -> Iterator[Sequence[str]]:
    own = comparison.own
    for variant in comparison.variants:
        for sessions, (sql, rest) in variant.writes.items():
            ratios = [] if variant is own else [f"{ratio:.2f}" for ratio in comparison.written(variant, sessions)]
            yield variant.name, f"{sessions}", f"{sql:.0f}", f"{rest:.0f}", *ratios


def _writing(own: Variant) -> str:
    return next((result.query.title for result in own.results.values() if result.query.writes), "what is written")


def _parts(comparison: Comparison) -> Iterator[Sequence[str]]:
    costs = [variant.parts for variant in comparison.variants]
    for part in dict.fromkeys(part for parts in costs for part in parts):
        yield part, *(f"{parts[part]:.3f}" if part in parts else "" for parts in costs)


def document(comparison: Comparison, machine: str, seed: int, megabytes: float) -> documents.BenchSchema:
    """The document of --json. `megabytes`: the peak memory of this process."""
    return {
        "machine": machine,
        "seed": seed,
        "sizes": comparison.sizes,
        "memory_mb": round(megabytes),
        "growth": {name: round(result.growth, 3) for name, result in comparison.own.results.items()},
        "variants": [
            {
                "name": variant.name,
                "loading_seconds": round(variant.seconds, 1),
                "queries": [_query(result) for result in variant.results.values()],
                "writes": [*_written(comparison, variant)],
                "parts": {part: round(milliseconds, 4) for part, milliseconds in variant.parts.items()},
                "wrong": variant.wrong,
            }
            for variant in comparison.variants
        ],
    }


def _written(comparison: Comparison, variant: Variant) -> Iterator[documents.Writes]:
    for sessions, (sql, rest) in variant.writes.items():
        ratios = comparison.written(variant, sessions)
        written: documents.Writes = {"sessions": sessions, "sql": round(sql), "rest": round(rest)}
        if variant is not comparison.own:
            written["own_sql_ratio"], written["own_rest_ratio"] = (round(ratio, 3) for ratio in ratios)
        yield written


def _query(result: Result) -> documents.QueryTimes:
    return {
        "name": result.query.name,
        "title": result.query.title,
        "p95_bar_ms": result.query.bar,
        "milliseconds": {str(size): entry(times) for size, times in result.times.items()},
        "rest_milliseconds": entry(result.rest) if result.rest else None,
        "buffers": {str(size): pages for size, pages in result.buffers.items()},
        "grows": result.query.grows or None,
        "indexes": sorted(result.indexes),
        "plan": result.plan,
    }
