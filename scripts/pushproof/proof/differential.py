"""The same cells by SQL claims: `set local role` and `request.jwt.claims`, as SQL-only test tools do.

The outcome is compared with that of the real token over HTTP.
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
    """A cell that is allowed over HTTP and denied by SQL, or the reverse. `words` is the result by SQL."""

    cell: Cell
    by_sql: str
    words: str


def disagreements(probe: Probe, cells: Iterable[Cell]) -> Iterator[Disagreement]:
    """Ask each cell of the matrix again by SQL; yield those that differ."""
    for cell in cells:
        if cell.request is None:
            continue
        try:
            if cell.case.kind in BASE_KINDS:
                by_sql, message = by_claims(
                    probe, probe.catalog.relations[cell.case.object], cell.case, actor=cell.actor
                )
            elif cell.case.kind == "call":
                by_sql, message = called_by_claims(probe, cell.case, cell.actor)
            else:
                continue
        except UnansweredError as error:
            by_sql, message = REJECTED, str(error)
        if (by_sql == ALLOWED) != (cell.observed == ALLOWED):
            yield Disagreement(cell, by_sql, message)


def by_claims(probe: Probe, relation: Relation, case: Case, actor: str) -> tuple[str, str]:
    """Run the case by SQL with the actor's claims and roll back: the observation, and the server's message."""
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
    """Call the function by SQL with the actor's claims and roll back: the observation, and the server's message."""
    try:
        prepared = call.prepare(probe, case)
    except UnaskableError as reason:
        return REJECTED, str(reason)
    connection = probe.rows.records.connection
    set_actor = functools.partial(become, connection, probe.actors[actor])
    before = prepared.state(probe)
    with connection.transaction(force_rollback=True):
        sqlstate, body = call.by_sql(probe, prepared.function, prepared.arguments, become=set_actor)
        if not sqlstate and prepared.state(probe) != before:
            return ALLOWED, "it changed a row of the owner's"
    if sqlstate:
        return (REFUSED if sqlstate == "42501" else NOTHING), f"{sqlstate} {body}"
    with connection.transaction(force_rollback=True):
        missing = call.by_sql(probe, prepared.function, prepared.nobody, become=set_actor)
    same = prepared.rows_of and ("", call.without_ids(body, prepared.arguments)) == (
        missing[0],
        call.without_ids(missing[1], prepared.nobody),
    )
    return (NOTHING if same else ALLOWED), f"{len(body)} rows"


def become(connection: psycopg.Connection[Any], actor: Actor) -> None:
    """Take the actor's role and the claims of their token for the rest of the transaction."""
    connection.execute(f"set local role {ROLE_OF.get(actor.name, 'authenticated')}".encode())
    connection.execute("select pg_catalog.set_config('request.jwt.claims', %s, true)", [json.dumps(claims(actor))])


def claims(actor: Actor) -> dict[str, object]:
    """The claims of the actor's token; only the role for actors without a token."""
    token = actor.headers.get("Authorization", "").removeprefix("Bearer ")
    if actor.name in ROLE_OF or token.count(".") != 2:
        return {"role": ROLE_OF.get(actor.name, "anon")}
    payload = token.split(".")[1]
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


def _statement(probe: Probe, relation: Relation, case: Case) -> tuple[sql.Composed, list[str]]:
    """The request of the case as SQL, for a row of the owner's, and its parameters."""
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
