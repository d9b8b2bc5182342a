"""Measure the rows per second that concurrent sessions write, each as one user, with triggers and policies in force."""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from pushproof.bench.files import Query, Row
from pushproof.bench.server import act, in_turn
from pushproof.target.database import connect, psycopg_error
from pushproof.target.targets import Target

if TYPE_CHECKING:
    import psycopg

SLICE = 0.5  # seconds of one turn
Write = Callable[[float], float]  # writes for so many seconds; returns rows per second


def rates(writers: Sequence[Write], seconds: float) -> list[float]:
    """The rows per second of each writer. They take turns in short slices, because a shared machine's speed drifts.

    The first slice of each is not counted. Raises what a writer raises.
    """
    slices = max(2, round(seconds / SLICE))
    turns = [map(write, itertools.repeat(seconds / slices, slices + 1)) for write in writers]
    return [statistics.fmean(values[1:]) for values in zip(*in_turn(turns), strict=True)]


@contextlib.contextmanager
def by_sql(target: Target, query: Query, callers: Sequence[Sequence[Row]], sessions: int) -> Iterator[Write]:
    """A writer over `sessions` connections, one prepared statement and transaction a row; `callers`: rows of each.

    The writer raises SqlError if the query fails.
    """
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(sessions))
        writers = []
        for rows in spread(callers, sessions):
            connection = stack.enter_context(connect(target))
            act(connection, query.role, rows[0], scope="session")
            writers.append((connection, itertools.cycle(rows)))

        def write(seconds: float) -> float:
            began = time.perf_counter()
            counts = pool.map(lambda pair: _write(query, *pair, until=began + seconds), writers)
            return sum(counts) / (time.perf_counter() - began)

        yield write


def _write(query: Query, connection: psycopg.Connection[Any], rows: Iterator[Row], *, until: float) -> int:
    """Write rows until that time; how many."""
    import psycopg

    count, sql = 0, query.sql.encode()
    try:
        while time.perf_counter() < until:
            connection.execute(sql, dict(next(rows)), prepare=True)
            count += 1
    except psycopg.Error as problem:
        raise psycopg_error(problem, where=f"bench/queries/{query.name}.sql") from None
    return count


def by_caller(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows grouped by caller."""
    callers: dict[str, list[Row]] = {}
    for row in rows:
        callers.setdefault(str(row["caller"]), []).append(row)
    return [*callers.values()]


def spread(callers: Sequence[Sequence[Row]], sessions: int) -> list[list[Row]]:
    """The rows of each session, all of one caller. Sessions of the same caller share its rows."""
    sharing = -(-sessions // len(callers))
    parts = [list(rows[n::sharing] or rows) for n in range(sharing) for rows in callers]
    return parts[:sessions]
