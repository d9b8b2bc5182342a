"""Which relations a kind of case asks about, and which of them are asked about alone."""

from __future__ import annotations

from pushproof.proof.catalog import VIEWS, Catalog, Relation
from pushproof.proof.intent import RelationIntent
from pushproof.proof.samples import mark_column


def is_alone(relation: Relation, intent: RelationIntent) -> bool:
    """Whether its cases need the relation for themselves.

    A user can have only one row in it, a key of the owner and foreign keys alone; or no column can mark a row; or it
    is a view, whose rows are another relation's.
    """
    if relation.is_view:
        return True
    bound = {intent.owner} | {c for key in relation.foreign_keys for c in key.columns}
    return any(set(unique) <= bound for unique in relation.uniques) or mark_column(relation, intent) is None


def tables(catalog: Catalog) -> list[Relation]:
    """The exposed relations that hold rows of their own."""
    return [r for r in catalog.exposed if r.kind not in VIEWS]


def written(catalog: Catalog, verb: str) -> list[Relation]:
    """The exposed relations that take this verb: tables, and views of tables that are not Supabase's own."""
    return [r for r in catalog.exposed if r.takes(verb) and not is_window(catalog, r)]


def is_window(catalog: Catalog, relation: Relation) -> bool:
    """Whether it is a view of nothing but schemas that Supabase manages, such as auth: no row there is ours to try."""
    return relation.is_view and not any(source in catalog.relations for source in relation.sources)
