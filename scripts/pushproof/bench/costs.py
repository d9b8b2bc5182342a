"""What a write costs in the server, part by part: keys, triggers, policies, checks and indexes left out in turn."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pushproof.base.queries import query
from pushproof.bench.files import Query, Row
from pushproof.bench.server import EXPLAIN, act, in_turn, prepare
from pushproof.target.database import psycopg_error

if TYPE_CHECKING:
    import psycopg

ROUNDS = 8
WARM = 6  # executions until the plans within functions and keys are kept
ROW, WHOLE = "the row and its primary key", "all of it"


def by_part(
    connections: Sequence[psycopg.Connection[Any]],
    one: Query,
    asked: Sequence[Sequence[Row]],
    schemas: Sequence[str],
) -> list[dict[str, float]]:
    """Milliseconds of each part, on each connection: what less it takes without it, and without those before it.

    The connections have written nothing yet. Nothing stays. Raises SqlError where it cannot be executed.
    """
    import psycopg

    try:
        left_out = [_parts(c, one, rows[0], schemas=schemas) for c, rows in zip(connections, asked, strict=True)]
        turns = [
            _rounds(connection, one, rows, commands=commands[:count])
            for connection, rows, (_, commands) in zip(connections, asked, left_out, strict=True)
            for count in range(len(commands) + 1)
        ]
        medians = (statistics.median(itertools.chain(*each)) for each in zip(*in_turn(turns), strict=True))
        return [_differences(names, [next(medians) for _ in (*names, ROW)]) for names, _ in left_out]
    except psycopg.Error as problem:
        raise psycopg_error(problem, where=f"bench/queries/{one.name}.sql, part by part") from None


def _differences(names: Sequence[str], medians: Sequence[float]) -> dict[str, float]:
    parts = {name: more - less for name, (more, less) in zip(names, itertools.pairwise(medians), strict=True)}
    return {**parts, ROW: medians[-1], WHOLE: medians[0]}


def _parts(
    connection: psycopg.Connection[Any], one: Query, row: Row, schemas: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The parts of the tables it writes, in the order in which they are left out, and the command that does it."""
    with connection.transaction(force_rollback=True):
        call = prepare(connection, one)(row)
        act(connection, one.role, row)
        table = _explained(connection, call)["Plan"]["Relation Name"]
        connection.execute("reset role")
        found = connection.execute(query("bench/parts"), {"table": table, "schemas": list(schemas)}).fetchall()
    connection.execute("deallocate all")
    return [part for part, _ in found], [command for _, command in found]


def _rounds(
    connection: psycopg.Connection[Any], one: Query, rows: Sequence[Row], commands: Sequence[str]
) -> Iterator[list[float]]:
    """Milliseconds of the rows, once the parts are left out; undone after each round."""
    for _ in range(ROUNDS):
        with connection.transaction(force_rollback=True):
            for command in commands:
                connection.execute(command.encode())
            execute = prepare(connection, one)
            times = [_milliseconds(connection, one, row, call=execute(row)) for row in rows]
        connection.execute("deallocate all")
        yield times[min(WARM, len(times) - 1) :]


def _milliseconds(connection: psycopg.Connection[Any], one: Query, row: Row, call: bytes) -> float:
    act(connection, one.role, row)
    return float(_explained(connection, call)["Execution Time"])


def _explained(connection: psycopg.Connection[Any], call: bytes) -> dict[str, Any]:
    """Executed."""
    [[[plan]]] = connection.execute(EXPLAIN.encode() + call).fetchall()
    return dict(plan)
