"""What was measured of the queries, and what that means: growth, ratios, and indexes that serve nothing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pushproof.base.settings import Settings
from pushproof.bench.files import Query
from pushproof.bench.server import Index
from pushproof.target.targets import Target


@dataclass(frozen=True)
class Times:
    """Milliseconds: the median, and what 95 and 99 of 100 executions take at most."""

    median: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Times:
        ordered = sorted(values)
        p95, p99 = (ordered[math.ceil(len(ordered) * part) - 1] for part in (0.95, 0.99))
        return cls(*(round(v, 4) for v in (statistics.median(ordered), p95, p99)))


@dataclass
class Result:
    """Of one query: by size, times in the server and pages read; at the largest size what else there is.

    `growth`: its median at the largest size against that at the smallest, of the same questions.
    """

    query: Query
    times: dict[int, Times] = field(default_factory=dict)
    buffers: dict[int, int] = field(default_factory=dict)
    growth: float = 1
    rest: Times | None = None
    indexes: set[str] = field(default_factory=set)
    plan: dict[str, Any] = field(default_factory=dict)


@dataclass
class Variant:
    """One set of migrations, filled and measured.

    `writes`: rows a second by SQL and by REST, by sessions. `parts`: ms of what one row costs, by part.
    """

    name: str
    settings: Settings
    target: Target
    results: dict[str, Result]
    indexes: list[Index] = field(default_factory=list)
    writes: dict[int, tuple[float, float]] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    seconds: float = 0

    @property
    def wrong(self) -> list[str]:
        """Queries that do not use an index meant for them, and indexes that serve none, in a line each."""
        used = {name for one in self.results.values() for name in one.indexes}
        small = {one.name for one in self.indexes if one.small}
        return [
            *(
                f"{name} does not use {' or '.join(either)}, but {', '.join(sorted(one.indexes)) or 'no index'}"
                for name, one in self.results.items()
                for either in one.query.indexes
                if not {*either} & (one.indexes | small)
            ),
            *(f"{i.name} serves no query" for i in self.indexes if not (i.small or i.primary or i.name in used)),
        ]


@dataclass
class Comparison:
    """This project at growing sizes, beside other migrations."""

    sizes: list[int]
    own: Variant
    others: list[Variant]

    @property
    def variants(self) -> list[Variant]:
        """Those that grow."""
        return [self.own, *self.others]

    def ratio(self, name: str, other: Variant) -> float:
        """How many times as fast the query is as with the other migrations."""
        size = self.sizes[-1]
        return other.results[name].times[size].median / self.own.results[name].times[size].median

    def written(self, other: Variant, sessions: int) -> tuple[float, float]:
        """The rows we write by SQL and by REST in the time in which the other migrations write one."""
        sql, rest = (
            ours / theirs for ours, theirs in zip(self.own.writes[sessions], other.writes[sessions], strict=True)
        )
        return sql, rest
