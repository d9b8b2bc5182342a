"""Upserts with the key of a row of the owner's: neither resolution may change the row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import MINIMAL, Asked, Case, Cell, Probe, column_name
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import DENIED, observed_of
from pushproof.proof.scope import is_alone, tables
from pushproof.proof.unaskable import UnaskableError

Resolution = Literal["merge-duplicates", "ignore-duplicates"]
RESOLUTIONS: tuple[Resolution, ...] = ("merge-duplicates", "ignore-duplicates")


@dataclass(frozen=True, kw_only=True)
class UpsertCase(Case):
    """A case about an upsert with one resolution."""

    resolution: Resolution

    @property
    def detail(self) -> str:
        """The resolution of a conflict."""
        return self.resolution


def derive(catalog: Catalog, intent: Intent) -> Iterable[UpsertCase]:
    """Each table with a primary key that others may not update, with both resolutions."""
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        if relation.key and "other" not in entry.allowed["update"] and entry.owner:
            for resolution in RESOLUTIONS:
                yield UpsertCase(
                    kind="upsert",
                    object=relation.qualified,
                    verb="insert",
                    expected={"other": DENIED},
                    resolution=resolution,
                    alone=is_alone(relation, entry),
                )


def ask(probe: Probe, case: UpsertCase) -> Iterator[Cell]:
    """Another user posts a row with the owner's key; the control is that `postgres` can make the same change."""
    relation = probe.relation(case)
    row = probe.rows.fresh_or_standing(relation, "owner")
    try:
        change = dict([probe.rows.values.change(relation, row)])
    except UnaskableError:  # all columns are keys: an accepted upsert overwrites the row with itself
        change = {}
    body = {**probe.rows.values.body(relation, "other"), **{n: row[n] for n in relation.key}, **change}
    request = probe.request(
        relation,
        "POST",
        params={"on_conflict": ",".join(map(column_name, relation.key))},
        body=body,
        prefer=f"resolution={case.resolution},{MINIMAL}",
    )
    before = probe.rows.records.current(relation, row)
    answer = probe.ask("other", request)
    changed = probe.rows.records.current(relation, row) != before or (
        not change and case.resolution == "merge-duplicates"
    )
    asked = Asked(case)
    asked.add("other", observed_of(answer, effect=changed), request, answer=answer)
    yield from asked.with_controls(lambda: True)  # `change` has made this change once
