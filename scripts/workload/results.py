"""What was measured of the queries, and what that means: growth, ratios, and indexes that serve nothing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.settings import Settings
from scripts.targets import Target
from scripts.workload.files import Query


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
    """Of one query: by size, times in the server and pages read; at the largest size the rest."""

    query: Query
    times: dict[int, Times] = field(default_factory=dict)
    buffers: dict[int, int] = field(default_factory=dict)
    rest: Times | None = None
    indexes: set[str] = field(default_factory=set)
    plan: dict[str, Any] = field(default_factory=dict)

    @property
    def growth(self) -> float:
        """The median at the largest size against that at the smallest."""
        medians = [self.times[size].median for size in sorted(self.times)]
        return medians[-1] / medians[0]


@dataclass
class Variant:
    """One set of migrations, filled and measured.

    `indexes`: each but the primary keys, and whether its table is large enough for it to matter. `writes`: rows a
    second by SQL and by REST, by sessions.
    """

    name: str
    settings: Settings
    target: Target
    results: dict[str, Result]
    indexes: dict[str, bool] = field(default_factory=dict)
    writes: dict[int, tuple[float, float]] = field(default_factory=dict)
    seconds: float = 0

    @property
    def wrong(self) -> list[str]:
        """Queries that do not use an index meant for them, and indexes that serve none, in a line each."""
        used = {name for one in self.results.values() for name in one.indexes}
        small = {name for name, matters in self.indexes.items() if not matters}
        return [
            *(
                f"{name} does not use {' or '.join(either)}, but {', '.join(sorted(one.indexes)) or 'no index'}"
                for name, one in self.results.items()
                for either in one.query.indexes
                if not {*either} & (one.indexes | small)
            ),
            *(f"{name} serves no query" for name in sorted(self.indexes.keys() - used - small)),
        ]
