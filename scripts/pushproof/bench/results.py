"""The measurements of queries, and what follows from them: growth, ratios, and idle indexes."""

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
    """Milliseconds: the median, and the most that 95 and 99 of 100 executions take."""

    median: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Times:
        """The percentiles of these milliseconds."""
        ordered = sorted(values)
        p95, p99 = (ordered[math.ceil(len(ordered) * part) - 1] for part in (0.95, 0.99))
        return cls(*(round(v, 4) for v in (statistics.median(ordered), p95, p99)))


@dataclass
class Result:
    """The measurements of one query: `times` in the server and pages read (`buffers`) by size, the rest at the largest.

    `growth`: its median at the largest size relative to that at the smallest, for the same rows.
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
    """One set of migrations, filled and measured. `seconds`: the time to fill it.

    `writes`: rows per second by SQL and by REST, by the number of sessions. `parts`: ms of each part of a write.
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
        """A line for each query that does not use an index meant for it, and each index that serves no query."""
        used = {name for result in self.results.values() for name in result.indexes}
        small = {index.name for index in self.indexes if index.small}
        return [
            *(
                f"{name} does not use {' or '.join(either)}, but {', '.join(sorted(result.indexes)) or 'no index'}"
                for name, result in self.results.items()
                for either in result.query.indexes
                if not {*either} & (result.indexes | small)
            ),
            *(f"{i.name} serves no query" for i in self.indexes if not (i.small or i.primary or i.name in used)),
        ]


@dataclass
class Comparison:
    """This project (`own`) and other migrations, measured at the same sizes: rows of the largest table, ascending."""

    sizes: list[int]
    own: Variant
    others: list[Variant]

    @property
    def variants(self) -> list[Variant]:
        """All sets of migrations, this project's first."""
        return [self.own, *self.others]

    def ratio(self, name: str, other: Variant) -> float:
        """The other migrations' median of the query, at the largest size, divided by this project's."""
        size = self.sizes[-1]
        return other.results[name].times[size].median / self.own.results[name].times[size].median

    def written(self, other: Variant, sessions: int) -> tuple[float, float]:
        """This project's rows per second by SQL and by REST, divided by the other migrations'."""
        sql, rest = (
            ours / theirs for ours, theirs in zip(self.own.writes[sessions], other.writes[sessions], strict=True)
        )
        return sql, rest
