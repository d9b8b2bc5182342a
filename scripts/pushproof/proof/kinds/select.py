"""Who can read a row of the owner's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from pushproof.proof.asking import Answer
from pushproof.proof.catalog import Catalog, Relation
from pushproof.proof.cells import Asked, Case, Cell, Probe, column_name, expected_of
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, FAILED, NOTHING, REFUSED

LIMIT = "1000"


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """One case for each exposed relation."""
    for relation in catalog.exposed:
        entry = intent.relations[relation.qualified]
        expected = expected_of(intent, entry.allowed["select"], filtered=entry.filtered)
        yield Case(
            kind="select",
            object=relation.qualified,
            verb="select",
            expected=expected,
            alone=relation.is_view and not entry.owner,
        )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Each actor sends the same GET. Of a view without an owner, the answer is searched for the owner's data."""
    relation = probe.relation(case)
    owner = probe.intent.relations[case.object].owner
    if relation.is_view:
        params = {column_name(owner): f"eq.{probe.actors['owner'].id}"} if owner else {"limit": LIMIT}
    else:
        params = probe.where(relation, probe.rows.standing(relation, "owner"))
    request = probe.request(relation, "GET", params={"select": "*", **params})
    asked = Asked(case)
    for actor in case.expected:
        answer = probe.ask(actor, request)
        asked.add(
            actor,
            _observed(probe, relation, actor, answer=answer, traceable=bool(owner) or not relation.is_view),
            request,
            answer=answer,
        )
    yield from asked.with_controls(lambda: True)


def _observed(probe: Probe, relation: Relation, actor: str, answer: Answer, *, traceable: bool) -> str:
    if answer.refused:
        return REFUSED
    if answer.status >= 400:
        return FAILED
    if not answer.rows:
        return NOTHING
    if traceable or relation.kind == "m" or actor in ("owner", "service"):
        return ALLOWED
    marks = probe.rows.marks("owner")
    return (
        ALLOWED if any(mark in json.dumps(answer.body) for mark in marks) or _grows(probe, relation, actor) else NOTHING
    )


def _grows(probe: Probe, relation: Relation, actor: str) -> bool:
    """Whether the actor's answer changes when the owner gets more rows, as that of a count does."""
    request = probe.request(relation, "GET", params={"select": "*", "limit": LIMIT})
    before = probe.ask(actor, request).body
    probe.rows.add("owner")
    return bool(probe.ask(actor, request).body != before)
