"""Who can delete a row of the owner's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import MINIMAL, Asked, Case, Cell, Probe, denied_first, written_case
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import observed_of
from pushproof.proof.scope import written


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """One case for each table, and for each view that supports DELETE."""
    return (written_case(intent, relation, "delete") for relation in written(catalog, "delete"))


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Each actor sends the same DELETE; a deleted row is replaced for the next actor."""
    relation = probe.relation(case)
    asked = Asked(case)
    row = probe.rows.fresh_or_standing(relation, "owner")
    for actor in denied_first(case):
        request = probe.request(relation, "DELETE", params=probe.where(relation, row), prefer=MINIMAL)
        answer = probe.ask(actor, request)
        gone = probe.rows.records.current(relation, row) is None
        asked.add(actor, observed_of(answer, effect=gone), request, answer=answer)
        if gone:
            if probe.rows.is_standing(relation, row):
                probe.rows.refresh()
            row = probe.rows.fresh_or_standing(relation, "owner")
    yield from asked.with_controls(lambda: True)
