"""A trigger that runs as its owner: whether one user's write changes another user's rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pushproof.proof.catalog import Relation
from pushproof.proof.cells import MINIMAL
from pushproof.proof.findings import REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.records import Row

RULES = frozenset(("SEC013",))


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """Another user adds rows, without and with each flag and label set; the owner's rows are read before and after."""
    probe, rows = context.probe, context.probe.rows
    relation = probe.catalog.relations.get(name)
    if relation is None:
        return Verdict(UNPROVED, f"{name} is not a relation")
    answer = None
    for extra in _bodies(relation):
        theirs = rows.records.store(relation, "owner", {**rows.values.required(relation, "owner"), **extra})
        body = {**rows.values.body(relation, "other"), **extra}
        match = rows.values.mark(relation, body)
        request = probe.request(relation, "POST", body=body, prefer=MINIMAL)
        try:
            before = _state(context, relation, theirs)
            answer = probe.ask("other", request)
            changed = _state(context, relation, theirs) != before
        finally:
            rows.records.remove(relation, match)
            rows.records.remove(relation, probe.catalog.key_of(relation, theirs))
        if changed:
            sentence = f"Any signed-in user who adds a row to {name} changes other users' rows through its trigger"
            return Verdict.confirmed(
                sentence, request.curl("other"), answer.summary, control="the owner's row, read before"
            )
    if answer is None or answer.status >= 300:
        return Verdict(UNPROVED, f"other cannot add a row to {name}: {answer.summary if answer else 'nothing to send'}")
    return Verdict(REFUTED, "another user's writes left the owner's rows as they were", answer=answer.summary)


def _bodies(relation: Relation) -> Iterator[Row]:
    """Further values for a row: none, then each boolean column set to true, then each label of an enum."""
    yield {}
    for column in relation.columns:
        if column.open_to("authenticated", "insert") and column.base_type == "bool":
            yield {column.name: True}
        for label in column.labels if column.open_to("authenticated", "insert") else ():
            yield {column.name: label}


def _state(context: Context, relation: Relation, row: Row) -> str:
    """This row and all standing rows of the owner, as JSON."""
    rows = context.probe.rows
    standing = [
        rows.records.current(r, rows.standing(r, "owner"))
        for r in context.probe.catalog.exposed
        if rows.has_standing(r, "owner")
    ]
    return json.dumps([rows.records.current(relation, row), *standing], sort_keys=True)
