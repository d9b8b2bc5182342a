"""A key that the caller chooses: the answer for a key in use must not reveal that the row exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import MINIMAL, Asked, Case, Cell, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, observed_of
from pushproof.proof.scope import is_alone, tables


@dataclass(frozen=True, kw_only=True)
class KeyCase(Case):
    """A case about the columns of a primary key that a user chooses."""

    columns: tuple[str, ...]

    @property
    def detail(self) -> str:
        """The columns of the key, separated by commas."""
        return ", ".join(self.columns)


def derive(catalog: Catalog, intent: Intent) -> Iterable[KeyCase]:
    """Each table that users may insert into and whose primary key is neither the owner's id nor declared in `keys`."""
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        foreign = {c for k in relation.foreign_keys for c in k.columns} | {entry.owner, *entry.keys}
        chosen = tuple(c for c in relation.key if c not in foreign and not relation.by_name[c].generated)
        if entry.owner and "owner" in entry.allowed["insert"] and "other" not in entry.allowed["select"] and chosen:
            alone = is_alone(relation, entry)
            yield KeyCase(
                kind="keys",
                object=relation.qualified,
                verb="insert",
                expected={"other": DENIED},
                columns=chosen,
                alone=alone,
            )


def ask(probe: Probe, case: KeyCase) -> Iterator[Cell]:
    """Another user posts rows of their own: with the owner's key, with a free key, and without a key."""
    relation = probe.relation(case)
    names = case.columns
    taken = probe.rows.standing(relation, "owner")
    asked = Asked(case)
    answers = []
    with probe.rows.room_for(relation, "other"):
        for key in ({n: taken[n] for n in names}, {n: probe.rows.values.new(relation.by_name[n]) for n in names}, {}):
            body = {**probe.rows.values.body(relation, "other"), **key}
            match = dict(key) if key and key[names[0]] != taken[names[0]] else probe.rows.values.mark(relation, body)
            body |= key
            request = probe.request(relation, "POST", body=body, prefer=MINIMAL)
            answers.append((request, probe.ask("other", request)))
            probe.rows.remove_of(relation, match, "other")
    (request, answer), (_, free), (_, without) = answers
    differs = (answer.status, answer.code) != (free.status, free.code)
    summaries = f"{answer.summary} for a taken one, {free.summary} for a free one"
    note = f"other learns which keys of {case.object} exist: {summaries}"
    asked.add(
        "other",
        ALLOWED if differs else observed_of(answer, effect=False),
        request,
        answer=answer,
        note=note if differs else "",
    )
    works = without.status < 300 or free.status < 300
    for cell in asked.cells:
        reason = cell.reason or ("" if works else f"no positive control: other cannot insert into {case.object} at all")
        yield replace(cell, reason=reason, control="other, under a free key")
