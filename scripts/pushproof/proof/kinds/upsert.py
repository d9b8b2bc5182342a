"""Upserts onto a row of the owner's: neither resolution may touch it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import MINIMAL, Asked, Case, Cell, Probe, column_name
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import DENIED, observed_of
from pushproof.proof.scope import is_alone, tables
from pushproof.proof.unaskable import UnaskableError

RESOLUTIONS = ("merge-duplicates", "ignore-duplicates")


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """Every table with a primary key that others may not update, with both resolutions."""
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        if relation.key and "other" not in entry.allowed["update"] and entry.owner:
            for resolution in RESOLUTIONS:
                yield Case(
                    kind="upsert",
                    object=relation.qualified,
                    verb="insert",
                    expected={"other": DENIED},
                    detail=resolution,
                    alone=is_alone(relation, entry),
                )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Another user posts a row with the owner's key; the control is that the row could change at all."""
    relation = probe.relation(case)
    row = probe.rows.fresh_or_standing(relation, "owner")
    try:
        change = dict([probe.rows.values.change(relation, row)])
    except UnaskableError:  # a table of keys alone: what is taken has overwritten the row with itself
        change = {}
    body = {**probe.rows.values.body(relation, "other"), **{n: row[n] for n in relation.key}, **change}
    request = probe.request(
        relation,
        "POST",
        params={"on_conflict": ",".join(map(column_name, relation.key))},
        body=body,
        prefer=f"resolution={case.detail},{MINIMAL}",
    )
    before = probe.rows.records.current(relation, row)
    answer = probe.ask("other", request)
    changed = probe.rows.records.current(relation, row) != before or (not change and case.detail == RESOLUTIONS[0])
    asked = Asked(case)
    asked.add("other", observed_of(answer, effect=changed), request, answer=answer)
    yield from asked.settled(lambda: True)  # `change` saw the row take this value
