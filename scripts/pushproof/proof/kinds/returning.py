"""`return=representation`, the default of client libraries: the owner gets the row, others get none.

It applies the SELECT policy too, which can refuse an allowed insert or hide an update that is not allowed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import Asked, Case, Cell, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, FAILED, NOTHING, REFUSED
from pushproof.proof.scope import is_alone, tables

REPRESENTATION = "return=representation"


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """An insert and an update for each table where the owner may do it and may read."""
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        for verb in ("insert", "update"):
            if (
                "owner" in entry.allowed[verb]
                and "owner" in entry.allowed["select"]
                and (verb == "insert" or entry.columns)
            ):
                expected = {"owner": ALLOWED}
                if verb == "update" and "other" not in entry.allowed["update"] | entry.allowed["select"]:
                    expected = {"other": DENIED, "owner": ALLOWED}
                yield Case(
                    kind="returning",
                    object=relation.qualified,
                    verb=verb,
                    expected=expected,
                    alone=is_alone(relation, entry),
                )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Write a row and ask for it in the answer."""
    relation = probe.relation(case)
    asked = Asked(case)
    with probe.rows.room_for(relation, "owner") if case.verb == "insert" else contextlib.nullcontext():
        for actor in case.expected:
            if case.verb == "insert":
                body = probe.rows.values.body(relation, "owner")
                match = probe.rows.values.mark(relation, body)
                request = probe.request(relation, "POST", body=body, prefer=REPRESENTATION)
            else:
                row = probe.rows.fresh_or_standing(relation, "owner")
                column, value = probe.rows.values.change_or_same(relation, row)
                match = {}
                request = probe.request(
                    relation, "PATCH", params=probe.where(relation, row), body={column: value}, prefer=REPRESENTATION
                )
            answer = probe.ask(actor, request)
            if match:
                probe.rows.records.remove(relation, match)
            if answer.status < 300:
                observed = ALLOWED if answer.rows else NOTHING
            else:
                observed = REFUSED if answer.refused else FAILED
            asked.add(actor, observed, request, answer=answer)
    yield from asked.with_controls()
