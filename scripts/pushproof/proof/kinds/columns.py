"""Which columns of their own row the owner can set: exactly those that the intent names.

The owner column is set to another user's id, a reference to another user's row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from pushproof.proof.catalog import USERS, Catalog, Relation
from pushproof.proof.cells import MINIMAL, Asked, Cell, ColumnCase, Probe
from pushproof.proof.intent import Intent, RelationIntent
from pushproof.proof.outcomes import ALLOWED, DENIED, NOTHING, observed_of
from pushproof.proof.records import Row
from pushproof.proof.scope import is_alone, tables


def derive(catalog: Catalog, intent: Intent) -> Iterable[ColumnCase]:
    """Each writable column of the tables that owners may update."""
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        if "owner" in entry.allowed["update"]:
            yield from cases_of(relation, entry, entry.columns, kind="columns", verb="update")


def cases_of(
    relation: Relation, entry: RelationIntent, allowed: Collection[str], *, kind: str, verb: str
) -> Iterable[ColumnCase]:
    """One case for each writable column: the owner may set those in `allowed` and no others."""
    for column in relation.columns:
        if not column.generated:
            yield ColumnCase(
                kind=kind,
                object=relation.qualified,
                verb=verb,
                expected={"owner": ALLOWED if column.name in allowed else DENIED},
                column=column.name,
                alone=is_alone(relation, entry),
            )


def ask(probe: Probe, case: ColumnCase) -> Iterator[Cell]:
    """The owner patches one column of their own row; the control is a PATCH of a column that they may set."""
    relation = probe.relation(case)
    row = probe.rows.fresh_or_standing(relation, "owner")
    expected = case.expected["owner"]
    change = change_of(probe, relation, row, name=case.column)
    request = probe.request(relation, "PATCH", params=probe.where(relation, row), body=change, prefer=MINIMAL)
    answer = probe.ask("owner", request)
    observed = observed_of(answer, effect=probe.rows.undo(relation, row, change))
    if expected == ALLOWED and observed == NOTHING and answer.touched:
        observed = ALLOWED  # accepted; a trigger then replaced the value
    asked = Asked(case)
    asked.add("owner", observed, request, answer=answer, note=_note(case, observed))
    for cell in asked.with_controls(lambda: True):
        yield cell if expected == ALLOWED else _controlled(probe, relation, cell)


def change_of(probe: Probe, relation: Relation, row: Row, name: str) -> Row:
    """Another value for the column: another user's id or key if the column refers to a user or to a relation."""
    for key in relation.foreign_keys:
        if name in key.columns and key.target == USERS:
            return {name: probe.actors["other"].id}
        if name in key.columns and key.target in probe.catalog.relations:
            target = key.target_columns[key.columns.index(name)]
            return {name: probe.rows.standing(probe.catalog.relations[key.target], "other")[target]}
    if name == probe.intent.relations[relation.qualified].owner:
        return {name: probe.actors["other"].id}
    return {name: probe.rows.values.another(relation, row, name)}


def _controlled(probe: Probe, relation: Relation, cell: Cell) -> Cell:
    """The cell with its control: the owner has to be able to patch some column, or the denial proves nothing."""
    known = probe.rows.settable
    if name := known.get(relation.qualified) or _settable(probe, relation):
        known[relation.qualified] = name
        return replace(cell, control=f"owner, {name}")
    if not cell.ok:
        return cell
    return replace(cell, reason=f"no positive control: the owner can set no column of {relation.qualified}")


def _settable(probe: Probe, relation: Relation) -> str:
    """The first declared column that the owner can set now; empty if there is none."""
    for name in probe.intent.relations[relation.qualified].columns:
        row = probe.rows.fresh_or_standing(relation, "owner")
        body = change_of(probe, relation, row, name=name)
        request = probe.request(relation, "PATCH", params=probe.where(relation, row), body=body, prefer=MINIMAL)
        answer = probe.ask("owner", request)
        probe.rows.undo(relation, row, body)
        if answer.status < 300 and answer.touched:
            return name
    return ""


def _note(case: ColumnCase, observed: str) -> str:
    if observed == ALLOWED:
        return f"the owner can set {case.column} of {case.object}, which `columns` does not name"
    return ""
