"""The same cells by SQL claims: `set local role` and `request.jwt.claims`, as SQL-only test tools ask.

What they answer is held against what the real token got over HTTP.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pushproof.proof.asking import Actor
from pushproof.proof.catalog import ROLE_OF, Relation
from pushproof.proof.cells import Case, Cell, Probe
from pushproof.proof.kinds import call
from pushproof.proof.names import Name, equal, listed, name_of, record
from pushproof.proof.outcomes import ALLOWED, NOTHING, REFUSED, REJECTED
from pushproof.proof.records import Row
from pushproof.proof.unaskable import UnansweredError, UnaskableError
from pushproof.target.database import SETTLE

if TYPE_CHECKING:
    import psycopg

BASE_KINDS = ("select", "insert", "update", "delete")


@dataclass(frozen=True)
class Disagreement:
    """A cell that is allowed one way and denied the other."""

    cell: Cell
    by_sql: str
    words: str


def disagreements(probe: Probe, cells: Iterable[Cell]) -> Iterator[Disagreement]:
    """Ask each cell of the matrix again by SQL; those that differ."""
    for cell in cells:
        if cell.request is None:
            continue
        try:
            if cell.case.kind in BASE_KINDS:
                by_sql, words = by_claims(probe, probe.catalog.relations[cell.case.object], cell.case, actor=cell.actor)
            elif cell.case.kind == "call":
                by_sql, words = called_by_claims(probe, cell.case, cell.actor)
            else:
                continue
        except UnansweredError as why:
            by_sql, words = REJECTED, str(why)
        if (by_sql == ALLOWED) != (cell.observed == ALLOWED):
            yield Disagreement(cell, by_sql, words)


def by_claims(probe: Probe, relation: Relation, case: Case, actor: str) -> tuple[str, str]:
    """What the actor's claims get by SQL, undone at once: the observation, and the server's words."""
    import psycopg

    try:
        statement, values = _statement(probe, relation, case)
    except UnaskableError as reason:
        return REJECTED, str(reason)
    connection = probe.rows.records.connection
    try:
        with connection.transaction(force_rollback=True):
            become(connection, probe.actors[actor])
            count = connection.execute(statement, values).rowcount
            connection.execute(SETTLE)
    except psycopg.errors.InsufficientPrivilege as problem:
        return REFUSED, problem.diag.message_primary or ""
    except psycopg.Error as problem:
        return REJECTED, problem.diag.message_primary or str(problem)
    return (ALLOWED if count else NOTHING), f"{count} rows"


def called_by_claims(probe: Probe, case: Case, actor: str) -> tuple[str, str]:
    """What the actor's claims get of a function by SQL, undone at once: the observation, and the server's words."""
    try:
        asked = call.prepare(probe, case)
    except UnaskableError as reason:
        return REJECTED, str(reason)
    connection = probe.rows.records.connection
    speak = functools.partial(become, connection, probe.actors[actor])
    before = asked.state(probe)
    with connection.transaction(force_rollback=True):
        sqlstate, body = call.by_sql(probe, asked.function, asked.arguments, become=speak)
        if not sqlstate and asked.state(probe) != before:
            return ALLOWED, "it changed a row of the owner's"
    if sqlstate:
        return (REFUSED if sqlstate == "42501" else NOTHING), f"{sqlstate} {body}"
    with connection.transaction(force_rollback=True):
        missing = call.by_sql(probe, asked.function, asked.nobody, become=speak)
    same = asked.rows_of and ("", call.telling(body, asked.arguments)) == (
        missing[0],
        call.telling(missing[1], asked.nobody),
    )
    return (NOTHING if same else ALLOWED), f"{len(body)} rows"


def become(connection: psycopg.Connection[Any], actor: Actor) -> None:
    """For the rest of the transaction the actor's role, with what their token says."""
    connection.execute(f"set local role {ROLE_OF.get(actor.name, 'authenticated')}".encode())
    connection.execute("select pg_catalog.set_config('request.jwt.claims', %s, true)", [json.dumps(claims(actor))])


def claims(actor: Actor) -> dict[str, object]:
    """What the actor's token says; for those without one their role alone."""
    token = actor.headers.get("Authorization", "").removeprefix("Bearer ")
    if actor.name in ROLE_OF or token.count(".") != 2:
        return {"role": ROLE_OF.get(actor.name, "anon")}
    payload = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def _statement(probe: Probe, relation: Relation, case: Case) -> tuple[sql.Composed, list[str]]:
    """The case's request as SQL: about a row of the owner's."""
    table = name_of(relation)
    if case.verb == "insert":
        body = probe.rows.values.body(relation, "owner")
        probe.rows.values.mark(relation, body)
        insert = sql.SQL("insert into {} ({}) select {} from {} r")
        return insert.format(table, listed(body), listed(body, "r"), record(relation)), [json.dumps(body)]
    if relation.is_view:
        owner = probe.intent.relations[relation.qualified].owner
        where = sql.SQL(" where {}::text = %s").format(Name(owner)) if owner else sql.SQL("")
        return sql.SQL("select * from {}{}").format(table, where), [probe.actors["owner"].id] if owner else []
    if case.verb == "select":
        row = probe.rows.standing(relation, "owner")
    else:
        row = probe.rows.fresh_or_standing(relation, "owner")
    key = probe.catalog.key_of(relation, row)
    if case.verb == "update":
        return _update(probe, relation, row, key=key)
    text = "select from {} t, {} r where {}" if case.verb == "select" else "delete from {} t using {} r where {}"
    return sql.SQL(text).format(table, record(relation), equal(key)), [json.dumps(key)]


def _update(probe: Probe, relation: Relation, row: Row, key: Row) -> tuple[sql.Composed, list[str]]:
    column, value = probe.rows.values.change_or_same(relation, row)
    update = sql.SQL("update {0} t set {1} = c.{1} from {2} r, {2} c where {3}")
    statement = update.format(name_of(relation), Name(column), record(relation), equal(key))
    return statement, [json.dumps(key), json.dumps({column: value})]
