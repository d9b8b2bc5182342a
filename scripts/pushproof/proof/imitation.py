"""As many rows as another database has: one row that satisfies all constraints, copied with different keys."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pushproof.base.queries import query
from pushproof.proof.catalog import Catalog, Column, Relation
from pushproof.proof.intent import Intent
from pushproof.proof.names import Text, expression, listed, name_of
from pushproof.proof.records import Row
from pushproof.proof.rows import Rows
from pushproof.proof.unaskable import UnaskableError

if TYPE_CHECKING:
    import psycopg

OWNER = "owner"
# By type, a value for a unique column that differs for each row g = 2, 3, … and from the values of other runs.
DIFFERENT = {
    **dict.fromkeys(("int4", "int8", "numeric", "float4", "float8"), "{start} + g"),
    "uuid": "pg_catalog.md5('{start} ' || g)::uuid",
    **dict.fromkeys(("text", "varchar", "bpchar", "citext"), "right('pushproof {start} ' || g, {length})"),
    **dict.fromkeys(("timestamptz", "timestamp", "date"), "now() - ({start} %% 10000 + g) * interval '1 day'"),
}


@dataclass(frozen=True)
class Imitated:
    """A relation, the number of rows made, the number `wanted`, and why there are fewer."""

    relation: str
    rows: int
    wanted: int
    why: str = ""


def imitate(
    connect: Callable[[], psycopg.Connection[Any]],
    catalog: Catalog,
    intent: Intent,
    wanted: Mapping[str, int],
    limit: int,
) -> Iterator[Imitated]:
    """Fill each relation of `wanted`, by qualified name, with that many rows, but at most `limit`."""
    if not wanted:
        return
    with connect() as connection:
        owner = str(uuid.uuid4())
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")  # fire no triggers
            connection.execute(query("proof/imitated_user"), {"id": owner})
        rows = Rows(connect, catalog, intent, users={OWNER: owner})
        try:
            for name, count in wanted.items():
                relation = catalog.relations.get(name)
                if relation is None:
                    yield Imitated(relation=name, rows=0, wanted=count, why="it is in no schema of the API")
                else:
                    yield _fill(connection, rows, relation, wanted=count, count=min(count, limit))
        finally:
            rows.records.close()


def _fill(connection: Any, rows: Rows, relation: Relation, wanted: int, count: int) -> Imitated:
    import psycopg

    name, made = relation.qualified, 0
    try:
        row = rows.standing(relation, OWNER)
        made = 1
        with connection.transaction():
            connection.execute("set local session_replication_role = replica")  # no triggers, no foreign keys
            connection.execute(_multiply(relation, row), [count, json.dumps(row)])
        made = count
    except UnaskableError as error:
        return Imitated(relation=name, rows=made, wanted=wanted, why=str(error))
    except psycopg.Error as problem:
        return Imitated(relation=name, rows=made, wanted=wanted, why=problem.diag.message_primary or str(problem))
    finally:
        rows.records.analyze(relation)
    return Imitated(name, made, wanted)


def _multiply(relation: Relation, row: Row) -> sql.Composed:
    """The insert of copies of this row, with different values in unique keys. Raises UnaskableError."""
    referring = {c for key in relation.foreign_keys for c in key.columns}
    different: dict[str, str] = {}
    for unique in relation.uniques:
        columns = [relation.by_name[name] for name in unique]
        if any(c.generated for c in columns):
            continue  # the database generates the values
        free = [c for c in columns if c.name not in referring and c.base_type in DIFFERENT]
        if not free:
            raise UnaskableError(f"{', '.join(unique)} of {relation.qualified} can be imitated only once")
        different[free[0].name] = _different(free[0])
    names = [c.name for c in relation.columns if c.name in row and not c.generated]
    changes = sql.SQL(", ").join(
        sql.SQL("{}, {}").format(Text(name), expression(value)) for name, value in different.items()
    )
    return sql.SQL(
        "insert into {0} ({1}) select {2} from generate_series(2, %s) as g, "
        "pg_catalog.jsonb_populate_record(null::{0}, %s::jsonb || pg_catalog.jsonb_build_object({3})) as r"
    ).format(name_of(relation), listed(names), listed(names, "r"), changes)


def _different(column: Column) -> str:
    start = random.randrange(10**6, 10**9)  # noqa: S311 - only has to differ
    return DIFFERENT[column.base_type].format(start=start, length=min(column.length or 100, 100))
