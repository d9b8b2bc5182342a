"""Which columns the owner can set when they insert a row, if the intent names some in `insert_columns`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import MINIMAL, Asked, Cell, ColumnCase, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.kinds.columns import cases_of
from pushproof.proof.outcomes import observed_of
from pushproof.proof.scope import tables


def derive(catalog: Catalog, intent: Intent) -> Iterable[ColumnCase]:
    """Each writable column of the tables whose intent names `insert_columns`."""
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        if entry.insert_columns:
            yield from cases_of(relation, entry, entry.insert_columns, kind="insert_columns", verb="insert")


def ask(probe: Probe, case: ColumnCase) -> Iterator[Cell]:
    """The owner posts a row of their own with the column; the control is that `postgres` can insert the row."""
    relation = probe.relation(case)
    column = relation.by_name[case.column]
    asked = Asked(case)
    with probe.rows.room_for(relation, "owner") as fits:
        body = probe.rows.values.body(relation, "owner")
        match = probe.rows.values.mark(relation, body)
        if column.name not in body:
            body[column.name] = probe.rows.values.insertable(relation, "owner", body, name=column.name)
        request = probe.request(relation, "POST", body=body, prefer=MINIMAL)
        answer = probe.ask("owner", request)
        stored = probe.rows.records.count(relation, match) > 0
        note = f"the owner can set {case.column} when inserting into {case.object}" if stored else ""
        asked.add("owner", observed_of(answer, effect=stored), request, answer=answer, note=note)
        probe.rows.records.remove(relation, match)
        yield from asked.with_controls(fits)
