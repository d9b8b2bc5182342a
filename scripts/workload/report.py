"""The results of `invoke bench --suite schema` as tables, and as one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scripts.console import Console
from scripts.workload.results import Result, Times, Variant

GROWTH = 1.3  # times that a median may grow from the smallest size to the largest
LOADED, LOADING_SECONDS = 1_000_000, 90  # messages, on two cores
PER_INDEX = 5  # % of the other migrations' writes that an index may cost


def show(console: Console, variants: Sequence[Variant], sizes: Sequence[int]) -> None:
    """Times in the server, end to end, writes, the filling, and the indexes; each bar beside its figure."""
    own, *others = variants
    size = sizes[-1]
    headings = ("in the server, ms", "median", "p95", "p99", "bar", "pages", f"growth (bar {GROWTH})")
    rows = ((*_server(one, size), *_ratios(one, others, size)) for one in own.results.values())
    console.table((*headings, *(f"against {one.name}" for one in others)), rows)
    asked = [(one.query.title, *_three(one.rest)) for one in own.results.values() if one.rest]
    console.table(("end to end by REST, ms", "median", "p95", "p99"), asked)
    console.table(
        ("rows a second", "sessions", "SQL", "REST", f"cost of an index (bar {PER_INDEX} %)"), _writes(variants)
    )
    for one in variants:
        bar = f" (bar {LOADING_SECONDS} s)" if size == LOADED else ""
        console.line(f"{size:,} messages in {one.seconds:.0f} s{bar}", head=f"filled {one.name}")
    for result in own.results.values():
        if result.query.grows:
            console.line(f"{result.query.title}: {result.query.grows}", head="grows")
    _show_indexes(console, own)


def _show_indexes(console: Console, own: Variant) -> None:
    words = f"each query uses those that are meant for it, each of the {len(own.indexes)} serves one"
    if not own.wrong:
        console.line(words, ok=True, head="indexes")


def _server(one: Result, size: int) -> Iterator[str]:
    yield one.query.title
    yield from _three(one.times[size])
    yield "" if one.query.bar is None else f"{one.query.bar:g}"
    yield f"{one.buffers[size]}"
    yield f"{one.growth:.2f}" + (" *" if one.query.grows else "")


def _three(times: Times | None) -> Iterable[str]:
    return [f"{v:.2f}" if v >= 1 else f"{v:.3f}" for v in (times.median, times.p95, times.p99)] if times else []


def _ratios(one: Result, others: Sequence[Variant], size: int) -> Iterator[str]:
    """How many times as fast the query is as with the other migrations."""
    for other in others:
        yield f"{other.results[one.query.name].times[size].median / one.times[size].median:.2f}"


def _writes(variants: Sequence[Variant]) -> Iterator[Sequence[str]]:
    own = variants[0]
    for one in variants:
        for sessions, (sql, rest) in one.writes.items():
            cost = "" if one is own or not own.writes else f"{index_cost(own, one, sessions):.1f} % (bar {PER_INDEX} %)"
            yield one.name, f"{sessions}", f"{sql:.0f}", f"{rest:.0f}", cost


def index_cost(own: Variant, other: Variant, sessions: int) -> float:
    """What each of our indexes costs of the other's writes by SQL, in %; negative where ours are faster."""
    return 100 * (1 - own.writes[sessions][0] / other.writes[sessions][0]) / max(len(own.indexes), 1)


def document(
    variants: Sequence[Variant], sizes: Sequence[int], machine: str, seed: int, megabytes: float
) -> dict[str, Any]:
    """For --json."""
    return {
        "machine": machine,
        "seed": seed,
        "sizes": list(sizes),
        "memory_mb": round(megabytes),
        "variants": [
            {
                "name": one.name,
                "loading_seconds": round(one.seconds, 1),
                "queries": [_query(result) for result in one.results.values()],
                "writes": [{"sessions": n, "sql": round(s), "rest": round(r)} for n, (s, r) in one.writes.items()],
                "wrong": one.wrong,
            }
            for one in variants
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
        "growth": round(one.growth, 3),
        "grows": one.query.grows or None,
        "indexes": sorted(one.indexes),
        "plan": one.plan,
    }
