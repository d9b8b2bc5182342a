"""Measure a query in the server: prepared, warm, as its role under row level security; its time and pages read."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pushproof.base import queries
from pushproof.bench.files import Budget, Query, Row
from pushproof.target.database import psycopg_error

if TYPE_CHECKING:
    import psycopg

SMALL = 20  # pages: a table up to this size is read as fast without an index
EXPLAIN = "explain (analyze, buffers, timing off, format json) "


@dataclass(frozen=True)
class Measured:
    """Milliseconds of each execution; pages read (`buffers`) and plan of the median one; whether the query writes."""

    milliseconds: list[float]
    buffers: int
    plan: dict[str, Any]
    wrote: bool


@dataclass(frozen=True)
class Index:
    """An index. `small`: its table has at most SMALL pages; `primary`: it is a primary key. Neither must be used."""

    name: str
    small: bool
    primary: bool


def measure(
    connections: Sequence[psycopg.Connection[Any]], query: Query, samples: Sequence[Sequence[Row]]
) -> list[Measured]:
    """Execute the query on each connection for each row of that connection's sample. Everything is rolled back.

    The connections take turns, because the speed of a shared machine drifts. A slow query gets fewer rows. Raises
    SqlError if the query fails.
    """
    import psycopg

    try:
        rounds = [*in_turn([_executions(*pair, query) for pair in zip(connections, samples, strict=True)])]
    except psycopg.Error as problem:
        raise psycopg_error(problem, where=f"bench/queries/{query.name}.sql") from None
    finally:
        for connection in connections:
            connection.execute("deallocate all")
    return [_measured([e for e in executions if e]) for executions in zip(*rounds, strict=True)]


def in_turn(turns: Sequence[Iterator[Any]]) -> Iterator[Sequence[Any]]:
    """Yield the next item of each iterator, None for one that is exhausted.

    The order alternates, because the last one finds the processor awake.
    """
    for step in itertools.cycle((1, -1)):
        items = [next(turn, None) for turn in turns[::step]]
        if not any(items):
            return
        yield items[::step]


def _executions(connection: psycopg.Connection[Any], rows: Sequence[Row], query: Query) -> Iterator[tuple[Any, bool]]:
    """Execute the query twice for each row: the plan of the second execution, and whether the first one wrote."""
    execute, budget = prepare(connection, query), Budget()
    for row in rows:
        if budget.spent:
            return
        with budget:
            call = execute(row)
            with acting(connection, query.role, row):
                connection.execute(call)
                wrote = connection.execute("select pg_catalog.pg_current_xact_id_if_assigned()").fetchone() != (None,)
            with acting(connection, query.role, row):
                explained = connection.execute(EXPLAIN.encode() + call).fetchone()
        yield (explained[0][0] if explained else {}), wrote


def _measured(executions: Sequence[tuple[Any, bool]]) -> Measured:
    plans = sorted((plan for plan, _ in executions), key=lambda plan: float(plan["Execution Time"]))
    middle = plans[len(plans) // 2]
    top = middle["Plan"]
    pages = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return Measured(
        milliseconds=[plan["Execution Time"] for plan in plans], buffers=pages, plan=middle, wrote=executions[-1][1]
    )


def indexes_read(
    connection: psycopg.Connection[Any], query: Query, row: Row, schemas: Sequence[str]
) -> tuple[set[str], list[Index]]:
    """The names of the indexes that one execution reads, and all indexes of the tables in these schemas.

    The server's own counts, as in pg_stat_xact_user_indexes, include what functions and foreign keys read.
    """
    call = prepare(connection, query)(row)

    def scans(command: bytes) -> dict[int, int]:
        act(connection, query.role, row)
        connection.execute(command)
        connection.execute("reset role")
        counts = connection.execute(queries.query("bench/index_scans"), {"schemas": list(schemas)}).fetchall()
        indexes.update({oid: Index(name, pages <= SMALL, primary) for oid, name, pages, primary, _ in counts})
        return {oid: count for oid, *_, count in counts}

    indexes: dict[int, Index] = {}
    with connection.transaction(force_rollback=True):
        # The planner itself reads an index for the ends of its range, which is no use of it. The first plan reads more.
        before, planned, after = (scans(command) for command in (b"explain " + call, b"explain " + call, call))
    connection.execute("deallocate all")
    used = {index.name for oid, index in indexes.items() if after[oid] - planned[oid] > planned[oid] - before[oid]}
    return used, [*indexes.values()]


@contextlib.contextmanager
def acting(connection: psycopg.Connection[Any], role: str, row: Row) -> Iterator[None]:
    """A transaction as the row's caller, as PostgREST opens it. Rolled back at the end."""
    with connection.transaction(force_rollback=True):
        act(connection, role, row)
        yield


def act(connection: psycopg.Connection[Any], role: str, row: Row, *, scope: str = "local") -> None:
    """Set role and claims of the row's caller, for the transaction or, with `scope="session"`, for the connection."""
    if role == "postgres":
        return
    claims = json.dumps({"sub": str(row.get("caller", "")), "role": role})
    connection.execute("select pg_catalog.set_config('request.jwt.claims', %s, %s)", [claims, scope == "local"])
    connection.execute(f"set {scope} role {role}".encode())


def prepare(connection: psycopg.Connection[Any], query: Query) -> Any:
    """Prepare the query; a function that returns the SQL of the call for a row."""
    import psycopg

    connection.execute(f"prepare bench_{query.name} as {query.prepared}".encode())
    cursor = psycopg.ClientCursor(connection)
    placeholders = ", ".join(["%s"] * len(query.names))
    call = f"execute bench_{query.name}" + (f" ({placeholders})" if placeholders else "")
    return lambda row: cursor.mogrify(call, [row[name] for name in query.names]).encode()
