"""The cost of each part of a write in the server: keys, triggers, policies, checks and indexes, left out in turn."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pushproof.base import queries
from pushproof.bench.files import Query, Row
from pushproof.bench.server import EXPLAIN, act, in_turn, prepare
from pushproof.target.database import psycopg_error

if TYPE_CHECKING:
    import psycopg

ROUNDS = 8
WARM = 6  # executions until PostgreSQL keeps the plans within functions and foreign keys
ROW, WHOLE = "the row and its primary key", "all of it"


def by_part(
    connections: Sequence[psycopg.Connection[Any]],
    query: Query,
    samples: Sequence[Sequence[Row]],
    schemas: Sequence[str],
) -> list[dict[str, float]]:
    """Milliseconds of each part of the query, for each connection, whose rows are in `samples`.

    The parts are left out one after the other; a part's cost is the difference that this makes. The connections must
    not have written yet, and everything is rolled back. Raises SqlError if the query fails.
    """
    import psycopg

    try:
        left_out = [_parts(c, query, rows[0], schemas=schemas) for c, rows in zip(connections, samples, strict=True)]
        turns = [
            _rounds(connection, query, rows, commands=commands[:count])
            for connection, rows, (_, commands) in zip(connections, samples, left_out, strict=True)
            for count in range(len(commands) + 1)
        ]
        medians = (statistics.median(itertools.chain(*times)) for times in zip(*in_turn(turns), strict=True))
        return [_differences(names, [next(medians) for _ in (*names, ROW)]) for names, _ in left_out]
    except psycopg.Error as problem:
        raise psycopg_error(problem, where=f"bench/queries/{query.name}.sql, part by part") from None


def _differences(names: Sequence[str], medians: Sequence[float]) -> dict[str, float]:
    """The cost of each part. `medians` begins with the complete write; each further one leaves out one more part."""
    parts = {name: more - less for name, (more, less) in zip(names, itertools.pairwise(medians), strict=True)}
    return {**parts, ROW: medians[-1], WHOLE: medians[0]}


def _parts(
    connection: psycopg.Connection[Any], query: Query, row: Row, schemas: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The parts of the tables that the query writes, in the order to leave them out, and the commands that do."""
    with connection.transaction(force_rollback=True):
        call = prepare(connection, query)(row)
        act(connection, query.role, row)
        table = _explained(connection, call)["Plan"]["Relation Name"]
        connection.execute("reset role")
        values = {"table": table, "schemas": list(schemas)}
        parts = connection.execute(queries.query("bench/parts"), values).fetchall()
    connection.execute("deallocate all")
    return [part for part, _ in parts], [command for _, command in parts]


def _rounds(
    connection: psycopg.Connection[Any], query: Query, rows: Sequence[Row], commands: Sequence[str]
) -> Iterator[list[float]]:
    """Milliseconds of the rows after the commands, which leave out parts; each round is rolled back."""
    for _ in range(ROUNDS):
        with connection.transaction(force_rollback=True):
            for command in commands:
                connection.execute(command.encode())
            execute = prepare(connection, query)
            times = [_milliseconds(connection, query, row, call=execute(row)) for row in rows]
        connection.execute("deallocate all")
        yield times[min(WARM, len(times) - 1) :]


def _milliseconds(connection: psycopg.Connection[Any], query: Query, row: Row, call: bytes) -> float:
    act(connection, query.role, row)
    return float(_explained(connection, call)["Execution Time"])


def _explained(connection: psycopg.Connection[Any], call: bytes) -> dict[str, Any]:
    """Execute the call; its plan with times."""
    [[[plan]]] = connection.execute(EXPLAIN.encode() + call).fetchall()
    return dict(plan)
