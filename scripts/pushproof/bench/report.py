"""The results of `pushproof bench --suite schema` as tables, and as one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pushproof.base.console import Console, entry
from pushproof.bench.results import Comparison, Result, Times, Variant

if TYPE_CHECKING:
    from pushproof.base import documents

GROWTH = 1.3  # times that a median may grow from the smallest size to the largest
LOADED, LOADING_SECONDS = 1_000_000, 90  # rows, on two cores
WRITTEN = 0.85  # of the rows that other migrations write in the same time


def show(console: Console, found: Comparison) -> None:
    """Times in the server, end to end, writes, the filling, and the indexes; each bar beside its figure."""
    own, size = found.own, found.sizes[-1]
    headings = (f"in the server at {size:,}, ms", "median", "p95", "p99", "bar", "pages", f"growth (bar {GROWTH})")
    against = (f"{one.name} against it" for one in found.others)
    console.table((*headings, *against), ([*_server(found, one)] for one in own.results.values()))
    asked = [(one.query.title, *_three(one.rest)) for one in own.results.values() if one.rest]
    console.table(("end to end by REST, ms", "median", "p95", "p99"), asked)
    ratios = (f"this project against it (bar {WRITTEN}): {way}" for way in ("SQL", "REST"))
    console.table(("rows a second", "sessions", "SQL", "REST", *ratios), _writes(found))
    console.table((f"{_writing(own)}, part by part, ms", *(one.name for one in found.variants)), _parts(found))
    for one in found.variants:
        bar = f" (bar {LOADING_SECONDS} s)" if size == LOADED else ""
        console.line(f"{size:,} rows in {one.seconds:.0f} s{bar}", head=f"filled {one.name}")
    for result in own.results.values():
        if result.query.grows:
            console.line(f"{result.query.title}: {result.query.grows}", head="* grows")
    if not own.wrong:
        words = f"each query uses those that are meant for it, each of the {len(own.indexes)} has its use"
        console.line(words, ok=True, head="indexes")


def _server(found: Comparison, one: Result) -> Iterator[str]:
    size, name = found.sizes[-1], one.query.name
    yield one.query.title
    yield from _three(one.times[size])
    yield "" if one.query.bar is None else f"{one.query.bar:g}"
    yield f"{one.buffers[size]}"
    yield f"{one.growth:.2f}" + (" *" if one.query.grows else "")
    for other in found.others:
        yield f"{found.ratio(name, other):.2f}"


def _three(times: Times | None) -> Iterable[str]:
    return [f"{v:.2f}" if v >= 1 else f"{v:.3f}" for v in (times.median, times.p95, times.p99)] if times else []


def _writes(found: Comparison) -> Iterator[Sequence[str]]:
    for one in found.variants:
        for sessions, (sql, rest) in one.writes.items():
            ratios = [] if one is found.own else [f"{ratio:.2f}" for ratio in found.written(one, sessions)]
            yield one.name, f"{sessions}", f"{sql:.0f}", f"{rest:.0f}", *ratios


def _writing(own: Variant) -> str:
    return next((one.query.title for one in own.results.values() if one.query.writes), "what is written")


def _parts(found: Comparison) -> Iterator[Sequence[str]]:
    for part in dict.fromkeys(part for one in found.variants for part in one.parts):
        yield part, *(f"{one.parts[part]:.3f}" if part in one.parts else "" for one in found.variants)


def document(found: Comparison, machine: str, seed: int, megabytes: float) -> documents.BenchSchema:
    """For --json."""
    return {
        "machine": machine,
        "seed": seed,
        "sizes": found.sizes,
        "memory_mb": round(megabytes),
        "growth": {name: round(one.growth, 3) for name, one in found.own.results.items()},
        "variants": [
            {
                "name": one.name,
                "loading_seconds": round(one.seconds, 1),
                "queries": [_query(result) for result in one.results.values()],
                "writes": [*_written(found, one)],
                "parts": {part: round(milliseconds, 4) for part, milliseconds in one.parts.items()},
                "wrong": one.wrong,
            }
            for one in found.variants
        ],
    }


def _written(found: Comparison, one: Variant) -> Iterator[documents.Writes]:
    for sessions, (sql, rest) in one.writes.items():
        against = found.written(one, sessions)
        written: documents.Writes = {"sessions": sessions, "sql": round(sql), "rest": round(rest)}
        if one is not found.own:
            written["own_sql_ratio"], written["own_rest_ratio"] = (round(ratio, 3) for ratio in against)
        yield written


def _query(one: Result) -> documents.QueryTimes:
    return {
        "name": one.query.name,
        "title": one.query.title,
        "p95_bar_ms": one.query.bar,
        "milliseconds": {str(size): entry(times) for size, times in one.times.items()},
        "rest_milliseconds": entry(one.rest) if one.rest else None,
        "buffers": {str(size): pages for size, pages in one.buffers.items()},
        "grows": one.query.grows or None,
        "indexes": sorted(one.indexes),
        "plan": one.plan,
    }
