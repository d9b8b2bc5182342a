"""Embedding: a relation must not be reached through another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import Asked, Case, Cell, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, FAILED, NOTHING, REFUSED
from pushproof.proof.scope import tables


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """Both directions of every foreign key between exposed relations whose rows the owner may see and others not."""
    for child in tables(catalog):
        for key in child.foreign_keys:
            parent = catalog.relations.get(key.target)
            if (
                parent is None
                or parent.schema != child.schema
                or parent is child
                or parent.schema not in catalog.schemas
            ):
                continue
            both = (
                intent.relations[child.qualified].allowed["select"],
                intent.relations[parent.qualified].allowed["select"],
            )
            if all("owner" in seen and "other" not in seen for seen in both):
                for outer, inner in ((child, parent), (parent, child)):
                    expected = {"other": DENIED, "owner": ALLOWED}
                    yield Case(
                        kind="embedding",
                        object=outer.qualified,
                        verb="select",
                        expected=expected,
                        detail=f"{inner.name} by {key.name}",
                    )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """The owner's row with what hangs on it; for others neither of the two."""
    outer = probe.relation(case)
    inner, _, key = case.detail.partition(" by ")
    row = probe.rows.standing(outer, "owner")
    select = f"*,embedded:{inner}!{key}(*)"
    request = probe.request(outer, "GET", params={"select": select, **probe.where(outer, row)})
    asked = Asked(case)
    for actor in case.expected:
        answer = probe.ask(actor, request)
        if answer.status >= 400:
            observed = REFUSED if answer.refused else FAILED
        else:
            observed = ALLOWED if answer.rows and (actor != "owner" or answer.rows[0]["embedded"]) else NOTHING
        asked.add(actor, observed, request, answer=answer)
    yield from asked.settled()
