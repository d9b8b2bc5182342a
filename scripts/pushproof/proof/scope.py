"""Which relations a kind of case asks about, and which cases must run alone."""

from __future__ import annotations

from pushproof.proof.catalog import VIEWS, Catalog, Relation
from pushproof.proof.intent import RelationIntent
from pushproof.proof.samples import mark_column


def is_alone(relation: Relation, intent: RelationIntent) -> bool:
    """Whether no other case may run while one uses this relation.

    It is so for a view, whose rows belong to another relation; if a unique key consists of the owner and foreign keys,
    so that a user can have only one row; and if no column can mark a row.
    """
    if relation.is_view:
        return True
    bound = {intent.owner} | {c for key in relation.foreign_keys for c in key.columns}
    return any(set(unique) <= bound for unique in relation.uniques) or mark_column(relation, intent) is None


def tables(catalog: Catalog) -> list[Relation]:
    """The exposed relations that are not views."""
    return [r for r in catalog.exposed if r.kind not in VIEWS]


def written(catalog: Catalog, verb: str) -> list[Relation]:
    """The exposed relations that support this verb: tables, and views of tables that Supabase does not manage."""
    return [r for r in catalog.exposed if r.takes(verb) and not is_view_of_managed(catalog, r)]


def is_view_of_managed(catalog: Catalog, relation: Relation) -> bool:
    """Whether it is a view of only schemas that Supabase manages, such as auth, where no test rows are made."""
    return relation.is_view and not any(source in catalog.relations for source in relation.sources)
