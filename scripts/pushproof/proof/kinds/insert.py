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
    """Every table and every view that takes it, once.

    Where a row can say neither its owner nor a parent, another user's would be their own.
    """
    for relation in written(catalog, "insert"):
        entry = intent.relations[relation.qualified]
        expected = expected_of(intent, entry.allowed["insert"], filtered=entry.filtered)
        if entry.owner and not _tells_owner(relation, entry):
            expected = {a: e for a, e in expected.items() if a in ("anon", "owner", "service")}
        yield Case(
            kind="insert", object=relation.qualified, verb="insert", expected=expected, alone=is_alone(relation, entry)
        )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """The same POST by everybody, each with a mark of its own by which the row is found and removed again."""
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
        yield from asked.settled(fits)


def _addressed(probe: Probe, relation: Relation, actor: str) -> Row:
    """Of further columns that name a user the caller: a row in the owner's name, addressed to who sends it."""
    owner = probe.intent.relations[relation.qualified].owner
    if not owner or actor != "other":
        return {}
    return dict.fromkeys(user_columns(relation) - {owner}, probe.actors[actor].id)


def _tells_owner(relation: Relation, entry: RelationIntent) -> bool:
    """Whether a user may name the owner, or a parent that has one."""
    named = {entry.owner, *entry.parents}
    return any(relation.by_name[n].open_to("authenticated", "insert") for n in named) or not relation.open_to(
        "authenticated", "insert"
    )
