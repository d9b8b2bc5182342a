"""Embedding: users must not read a relation through another one if they may not read it directly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import Asked, Case, Cell, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, FAILED, NOTHING, REFUSED
from pushproof.proof.scope import tables


@dataclass(frozen=True, kw_only=True)
class EmbeddingCase(Case):
    """A case about the relation `inner`, embedded in another one by the foreign key `key`."""

    inner: str
    key: str

    @property
    def detail(self) -> str:
        """The embedded relation, and the foreign key if there are several."""
        return f"{self.inner} by {self.key}"


def derive(catalog: Catalog, intent: Intent) -> Iterable[EmbeddingCase]:
    """Both directions of each foreign key between exposed relations that the owner may read and others may not."""
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
                    yield EmbeddingCase(
                        kind="embedding",
                        object=outer.qualified,
                        verb="select",
                        expected=expected,
                        inner=inner.name,
                        key=key.name,
                    )


def ask(probe: Probe, case: EmbeddingCase) -> Iterator[Cell]:
    """Read the owner's row with its embedded rows; other users must get neither."""
    outer = probe.relation(case)
    row = probe.rows.standing(outer, "owner")
    select = f"*,embedded:{case.inner}!{case.key}(*)"
    request = probe.request(outer, "GET", params={"select": select, **probe.where(outer, row)})
    asked = Asked(case)
    for actor in case.expected:
        answer = probe.ask(actor, request)
        if answer.status >= 400:
            observed = REFUSED if answer.refused else FAILED
        else:
            observed = ALLOWED if answer.rows and (actor != "owner" or answer.rows[0]["embedded"]) else NOTHING
        asked.add(actor, observed, request, answer=answer)
    yield from asked.with_controls()
