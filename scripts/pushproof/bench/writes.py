"""Rows a second that sessions write side by side, each of its own user, with all triggers and policies in force."""

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

SLICE = 0.5  # seconds
Write = Callable[[float], float]  # for so many seconds; rows a second


def rates(writers: Sequence[Write], seconds: float) -> list[float]:
    """Rows a second of each, in short slices in turn: a shared machine's speed drifts.

    The first slice of each is not counted. Raises what a writer raises.
    """
    slices = max(2, round(seconds / SLICE))
    turns = [map(write, itertools.repeat(seconds / slices, slices + 1)) for write in writers]
    return [statistics.fmean(each[1:]) for each in zip(*in_turn(turns), strict=True)]


@contextlib.contextmanager
def by_sql(target: Target, one: Query, each: Sequence[Sequence[Row]], sessions: int) -> Iterator[Write]:
    """Writes through so many connections, a transaction a row, prepared. Raises SqlError."""
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(sessions))
        writers = []
        for rows in spread(each, sessions):
            connection = stack.enter_context(connect(target))
            act(connection, one.role, rows[0], scope="session")
            writers.append((connection, itertools.cycle(rows)))

        def write(seconds: float) -> float:
            began = time.perf_counter()
            counts = pool.map(lambda pair: _write(one, *pair, until=began + seconds), writers)
            return sum(counts) / (time.perf_counter() - began)

        yield write


def _write(one: Query, connection: psycopg.Connection[Any], rows: Iterator[Row], *, until: float) -> int:
    """Rows that one session wrote."""
    import psycopg

    count, sql = 0, one.sql.encode()
    try:
        while time.perf_counter() < until:
            connection.execute(sql, dict(next(rows)), prepare=True)
            count += 1
    except psycopg.Error as problem:
        raise psycopg_error(problem, where=f"bench/queries/{one.name}.sql") from None
    return count


def by_caller(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each caller."""
    callers: dict[str, list[Row]] = {}
    for row in rows:
        callers.setdefault(str(row["caller"]), []).append(row)
    return [*callers.values()]


def spread(each: Sequence[Sequence[Row]], sessions: int) -> list[list[Row]]:
    """The rows of each session, of one caller; sessions of the same caller share theirs."""
    sharing = -(-sessions // len(each))
    parts = [list(rows[n::sharing] or rows) for n in range(sharing) for rows in each]
    return parts[:sessions]
