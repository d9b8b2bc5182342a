"""A user's row below another user's parent: foreign keys ignore row level security.

It must be refused with the same answer as for a parent that does not exist; otherwise the answer reveals which rows
exist.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pushproof.proof.asking import Answer, Request
from pushproof.proof.catalog import Catalog, ForeignKey, Relation
from pushproof.proof.cells import MINIMAL, Asked, Cell, ColumnCase, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, observed_of
from pushproof.proof.records import Row
from pushproof.proof.scope import is_alone, tables


def derive(catalog: Catalog, intent: Intent) -> Iterable[ColumnCase]:
    """Each column that the intent names in `parents`, of the tables that users may insert into."""
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        for column in entry.parents:
            if "owner" in entry.allowed["insert"] and _keys(relation, column):
                alone = is_alone(relation, entry)
                yield ColumnCase(
                    kind="parents",
                    object=relation.qualified,
                    verb="insert",
                    expected={"other": DENIED},
                    column=column,
                    alone=alone,
                )


def ask(probe: Probe, case: ColumnCase) -> Iterator[Cell]:
    """Another user posts rows of their own: below the owner's parent, a missing parent, and their own parent."""
    relation = probe.relation(case)
    asked = Asked(case)
    with probe.rows.room_for(relation, "other"):
        for body in _foreign(probe, relation, case.column):
            request, answer, stored = _post(probe, relation, body)
            missing = {**body, case.column: _missing_key(body[case.column])}
            _, as_missing, _ = _post(probe, relation, missing)
            note = f"other can insert into {case.object} below the owner's {case.column}" if stored else ""
            observed = observed_of(answer, effect=stored)
            if not stored and _signature(answer, body) != _signature(as_missing, missing):
                observed = ALLOWED
                note = (
                    f"other learns which {case.column} exist: {case.object} answers {answer.summary} for the owner's, "
                    f"{as_missing.summary} for a missing one"
                )
            asked.add("other", observed, request, answer=answer, note=note)
        own, _, works = _post(probe, relation, probe.rows.values.body(relation, "other"))
    cell = next((c for c in asked.cells if not c.ok), asked.cells[0])
    if works:
        yield replace(cell, control="other, below a parent of their own")
    else:
        yield replace(
            cell,
            reason=cell.reason or f"no positive control: other cannot insert into {case.object} at all",
            request=own,
        )


def _keys(relation: Relation, column: str) -> list[ForeignKey]:
    return [k for k in relation.foreign_keys if column in k.columns]


def _foreign(probe: Probe, relation: Relation, column: str) -> Iterator[Row]:
    """Rows of `other` below the owner's parent: with that column, then with all of a composite key but the owner."""
    mine, theirs = probe.rows.values.body(relation, "other"), probe.rows.values.body(relation, "owner")
    owner = probe.intent.relations[relation.qualified].owner
    for key in _keys(relation, column):
        if column not in theirs:  # it may be null, as for a comment that answers no other
            parent = probe.rows.standing(probe.catalog.relations[key.target], "owner")
            theirs[column] = parent[key.target_columns[key.columns.index(column)]]
    yield {**mine, column: theirs[column]}
    for key in _keys(relation, column):
        if len(key.columns) > 1:
            yield {**mine, **{c: theirs[c] for c in key.columns if c in theirs and c != owner}}


def _post(probe: Probe, relation: Relation, body: Row) -> tuple[Request, Answer, bool]:
    """Post a row as `other` and remove it again: the request, the answer, and whether the row was stored."""
    body = dict(body)
    match = probe.rows.values.mark(relation, body)
    before = probe.rows.records.count(relation, match)
    request = probe.request(relation, "POST", body=body, prefer=MINIMAL)
    answer = probe.ask("other", request)
    stored = probe.rows.records.count(relation, match) > before
    if stored:
        probe.rows.records.remove(relation, match)
    return request, answer, stored


def _missing_key(value: object) -> object:
    """A key of the same type that no row has."""
    return 2_000_000_000 if isinstance(value, int) else str(uuid.uuid4())


def _signature(answer: Answer, body: Row) -> tuple[int, str, str]:
    """The status, code and text of an answer, without the values that it repeats from the request."""
    text = answer.summary
    for value in body.values():
        text = text.replace(str(value), "…")
    return answer.status, answer.code, text
