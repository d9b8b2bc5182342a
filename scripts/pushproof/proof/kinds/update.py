"""Who can change a row of the owner's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import MINIMAL, Asked, Case, Cell, Probe, denied_first, written_case
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import observed_of
from pushproof.proof.scope import written


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """One case for each table, and for each view that supports UPDATE."""
    return (written_case(intent, relation, "update") for relation in written(catalog, "update"))


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Each actor sends a PATCH of the same row, which is read back."""
    relation = probe.relation(case)
    row = probe.rows.fresh_or_standing(relation, "owner")
    asked = Asked(case)
    for actor in denied_first(case):
        before = probe.rows.records.current(relation, row) or row
        column, value = probe.rows.values.change_or_same(relation, before)
        request = probe.request(
            relation, "PATCH", params=probe.where(relation, row), body={column: value}, prefer=MINIMAL
        )
        answer = probe.ask(actor, request)
        after = probe.rows.records.current(relation, row)
        changed = after != before if value != before[column] else answer.touched
        row = after or {**row, column: value}  # a view without a key is identified by all of its columns
        asked.add(actor, observed_of(answer, effect=changed), request, answer=answer)
    yield from asked.with_controls(lambda: True)
