"""Who can insert a row of the owner's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pushproof.proof.catalog import Catalog, Relation
from pushproof.proof.cells import MINIMAL, Asked, Case, Cell, Probe, denied_first, expected_of
from pushproof.proof.intent import Intent, RelationIntent
from pushproof.proof.outcomes import observed_of
from pushproof.proof.records import Row
from pushproof.proof.samples import user_columns
from pushproof.proof.scope import is_alone, written


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """One case for each table, and for each view that supports INSERT.

    If users can set neither the owner nor a parent, other users are not asked: their rows are their own.
    """
    for relation in written(catalog, "insert"):
        entry = intent.relations[relation.qualified]
        expected = expected_of(intent, entry.allowed["insert"], filtered=entry.filtered)
        if entry.owner and not _names_owner(relation, entry):
            expected = {a: e for a, e in expected.items() if a in ("anon", "owner", "service")}
        yield Case(
            kind="insert", object=relation.qualified, verb="insert", expected=expected, alone=is_alone(relation, entry)
        )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Each actor sends the same POST, with a unique mark by which the row is found and removed again."""
    relation = probe.relation(case)
    with probe.rows.room_for(relation, "owner") as fits:
        asked = Asked(case)
        for actor in denied_first(case):
            body = probe.rows.values.body(relation, "owner") | _addressed(probe, relation, actor)
            match = probe.rows.values.mark(relation, body)
            before = probe.rows.records.count(relation, match)
            request = probe.request(relation, "POST", body=body, prefer=MINIMAL)
            answer = probe.ask(actor, request)
            stored = probe.rows.records.count(relation, match) > before
            asked.add(actor, observed_of(answer, effect=stored), request, answer=answer)
            if stored:
                probe.rows.records.remove(relation, match)
        yield from asked.with_controls(fits)


def _addressed(probe: Probe, relation: Relation, actor: str) -> Row:
    """The caller's id for the columns that refer to a user other than the owner, if the caller is `other`."""
    owner = probe.intent.relations[relation.qualified].owner
    if not owner or actor != "other":
        return {}
    return dict.fromkeys(user_columns(relation) - {owner}, probe.actors[actor].id)


def _names_owner(relation: Relation, entry: RelationIntent) -> bool:
    """Whether users may set the owner column or a parent column, or may not insert at all."""
    named = {entry.owner, *entry.parents}
    return any(relation.by_name[n].open_to("authenticated", "insert") for n in named) or not relation.open_to(
        "authenticated", "insert"
    )
