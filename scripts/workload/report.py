"""The results of `invoke bench --suite schema` as tables, and as one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scripts.console import Console
from scripts.workload.results import Comparison, Result, Times

GROWTH = 1.3  # times that a median may grow from the smallest size to the largest
LOADED, LOADING_SECONDS = 1_000_000, 90  # messages, on two cores
PER_INDEX = 5  # % of the other migrations' writes that may be missing for each index kept


def show(console: Console, found: Comparison) -> None:
    """Times in the server, end to end, writes, the filling, and the indexes; each bar beside its figure."""
    own, size = found.own, found.sizes[-1]
    headings = (f"in the server at {size:,}, ms", "median", "p95", "p99", "bar", "pages", f"growth (bar {GROWTH})")
    against = (f"{one.name} against it" for one in found.others)
    console.table((*headings, *against), ([*_server(found, one)] for one in own.results.values()))
    asked = [(one.query.title, *_three(one.rest)) for one in own.results.values() if one.rest]
    console.table(("end to end by REST, ms", "median", "p95", "p99"), asked)
    console.table(
        (
            "rows a second",
            "sessions",
            "SQL",
            "REST",
            f"this project writes less, for each of its indexes (bar {PER_INDEX} %)",
        ),
        _writes(found),
    )
    for one in found.variants:
        bar = f" (bar {LOADING_SECONDS} s)" if size == LOADED else ""
        console.line(f"{size:,} messages in {one.seconds:.0f} s{bar}", head=f"filled {one.name}")
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
            cost = "" if one is found.own else f"{found.index_cost(one, sessions):.1f} %"
            yield one.name, f"{sessions}", f"{sql:.0f}", f"{rest:.0f}", cost


def document(found: Comparison, machine: str, seed: int, megabytes: float) -> dict[str, Any]:
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
                "writes": [{"sessions": n, "sql": round(s), "rest": round(r)} for n, (s, r) in one.writes.items()],
                "wrong": one.wrong,
            }
            for one in found.variants
        ],
    }


def _query(one: Result) -> dict[str, Any]:
    return {
        "name": one.query.name,
        "title": one.query.title,
        "p95_bar_ms": one.query.bar,
        "milliseconds": {size: vars(times) for size, times in one.times.items()},
        "rest_milliseconds": vars(one.rest) if one.rest else None,
        "buffers": one.buffers,
        "grows": one.query.grows or None,
        "indexes": sorted(one.indexes),
        "plan": one.plan,
    }
