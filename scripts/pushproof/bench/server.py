"""A query measured in the server: prepared, warm, as its role under row level security, and what it read."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pushproof.base.queries import query
from pushproof.bench.files import Budget, Query, Row
from pushproof.target.database import psycopg_error

if TYPE_CHECKING:
    import psycopg

SMALL = 20  # pages: a table that is read as fast without its indexes
EXPLAIN = "explain (analyze, buffers, timing off, format json) "


@dataclass(frozen=True)
class Measured:
    """Milliseconds of each execution; pages read by the one in the middle, and its plan; whether it writes."""

    milliseconds: list[float]
    buffers: int
    plan: dict[str, Any]
    wrote: bool


@dataclass(frozen=True)
class Index:
    """An index. Of a `small` table it matters little; a `primary` key has its purpose whoever reads it."""

    name: str
    small: bool
    primary: bool


def measure(
    connections: Sequence[psycopg.Connection[Any]], one: Query, asked: Sequence[Sequence[Row]]
) -> list[Measured]:
    """Execute it on each connection for each of its rows, in turn: a shared machine's speed drifts. Nothing stays.

    What is slow is executed less often. Raises SqlError where it cannot be executed.
    """
    import psycopg

    try:
        rounds = [*in_turn([_executions(*pair, one) for pair in zip(connections, asked, strict=True)])]
    except psycopg.Error as problem:
        raise psycopg_error(problem, where=f"bench/queries/{one.name}.sql") from None
    finally:
        for connection in connections:
            connection.execute("deallocate all")
    return [_measured([seen for seen in each if seen]) for each in zip(*rounds, strict=True)]


def in_turn(turns: Sequence[Iterator[Any]]) -> Iterator[Sequence[Any]]:
    """One of each, None of those that are over. Who goes first alternates: who goes last finds the processor awake."""
    for step in itertools.cycle((1, -1)):
        found = [next(turn, None) for turn in turns[::step]]
        if not any(found):
            return
        yield found[::step]


def _executions(connection: psycopg.Connection[Any], rows: Sequence[Row], one: Query) -> Iterator[tuple[Any, bool]]:
    """Twice for each row: the second one's plan with the server's own time, and whether it wrote."""
    execute, budget = prepare(connection, one), Budget()
    for row in rows:
        if budget.spent:
            return
        with budget:
            call = execute(row)
            with acting(connection, one.role, row):
                connection.execute(call)
                wrote = connection.execute("select pg_catalog.pg_current_xact_id_if_assigned()").fetchone() != (None,)
            with acting(connection, one.role, row):
                found = connection.execute(EXPLAIN.encode() + call).fetchone()
        yield (found[0][0] if found else {}), wrote


def _measured(executions: Sequence[tuple[Any, bool]]) -> Measured:
    plans = sorted((plan for plan, _ in executions), key=lambda plan: float(plan["Execution Time"]))
    middle = plans[len(plans) // 2]
    top = middle["Plan"]
    pages = top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return Measured(
        milliseconds=[plan["Execution Time"] for plan in plans], buffers=pages, plan=middle, wrote=executions[-1][1]
    )


def indexes_read(
    connection: psycopg.Connection[Any], one: Query, row: Row, schemas: Sequence[str]
) -> tuple[set[str], list[Index]]:
    """Which indexes of the API's tables one execution reads, within functions and keys too; and which there are.

    The server counts them itself, as it does for pg_stat_xact_user_indexes.
    """
    call = prepare(connection, one)(row)

    def scans(command: bytes) -> dict[int, int]:
        act(connection, one.role, row)
        connection.execute(command)
        connection.execute("reset role")
        found = connection.execute(query("bench/index_scans"), {"schemas": list(schemas)}).fetchall()
        indexes.update({oid: Index(name, pages <= SMALL, primary) for oid, name, pages, primary, _ in found})
        return {oid: count for oid, *_, count in found}

    indexes: dict[int, Index] = {}
    with connection.transaction(force_rollback=True):
        # The planner looks for the ends of an index's range, which is no use of it; at first it plans for later too.
        before, planned, after = (scans(command) for command in (b"explain " + call, b"explain " + call, call))
    connection.execute("deallocate all")
    used = {one.name for oid, one in indexes.items() if after[oid] - planned[oid] > planned[oid] - before[oid]}
    return used, [*indexes.values()]


@contextlib.contextmanager
def acting(connection: psycopg.Connection[Any], role: str, row: Row) -> Iterator[None]:
    """A transaction as PostgREST opens it for the caller; rolled back."""
    with connection.transaction(force_rollback=True):
        act(connection, role, row)
        yield


def act(connection: psycopg.Connection[Any], role: str, row: Row, *, scope: str = "local") -> None:
    """Be the row's caller: for the transaction, or with `scope` session for as long as the connection lasts."""
    if role == "postgres":
        return
    claims = json.dumps({"sub": str(row.get("caller", "")), "role": role})
    connection.execute("select pg_catalog.set_config('request.jwt.claims', %s, %s)", [claims, scope == "local"])
    connection.execute(f"set {scope} role {role}".encode())


def prepare(connection: psycopg.Connection[Any], one: Query) -> Any:
    """Prepare it once; what makes the call for a row."""
    import psycopg

    connection.execute(f"prepare bench_{one.name} as {one.prepared}".encode())
    cursor = psycopg.ClientCursor(connection)
    listed = ", ".join(["%s"] * len(one.names))
    call = f"execute bench_{one.name}" + (f" ({listed})" if listed else "")
    return lambda row: cursor.mogrify(call, [row[name] for name in one.names]).encode()
