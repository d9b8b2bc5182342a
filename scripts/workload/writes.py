"""Rows a second that sessions write side by side, each of its own user, with all triggers and policies in force."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from scripts.database import connect, psycopg_error
from scripts.targets import Target
from scripts.workload.files import Query, Row
from scripts.workload.server import act


def by_sql(target: Target, one: Query, rows: Sequence[Row], sessions: int, seconds: float) -> float:
    """Through connections of their own, a transaction a row, prepared, for so many seconds. Raises SqlError."""
    gate, failures = threading.Barrier(sessions + 1), []
    counts = [0] * sessions

    def work(number: int) -> None:
        try:
            counts[number] = _write(target, one, rows[number % len(rows)], gate, seconds)
        except threading.BrokenBarrierError:  # another one failed, and says why
            pass
        except BaseException as problem:
            failures.append(problem)
            gate.abort()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(sessions)]
    for thread in threads:
        thread.start()
    began = _all_ready(gate)
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts) / (time.perf_counter() - began)


def _write(target: Target, one: Query, row: Row, gate: threading.Barrier, seconds: float) -> int:
    """Rows that one session wrote, once all are ready."""
    import psycopg

    count = 0
    try:
        with connect(target) as connection:
            act(connection, one.role, row, scope="session")
            gate.wait()
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                connection.execute(one.sql.encode(), dict(row), prepare=True)
                count += 1
    except psycopg.Error as problem:
        raise psycopg_error(problem, where=f"bench/queries/{one.name}.sql") from None
    return count


def _all_ready(gate: threading.Barrier) -> float:
    try:
        gate.wait()
    except threading.BrokenBarrierError:  # somebody failed, and says why
        pass
    except BaseException:  # an interruption: nobody else would end the others' wait
        gate.abort()
        raise
    return time.perf_counter()


def one_each(rows: Sequence[Row]) -> list[Any]:
    """The first row of each caller."""
    return list({str(row["caller"]): row for row in reversed(rows)}.values())
