"""Privileges that no request can show: those of anon that are not declared, and TRUNCATE, which ignores RLS.

They are read from the catalog: a refused request does not show which of several checks refused it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import Case, Cell, Probe
from pushproof.proof.intent import VERBS, Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, REFUSED
from pushproof.proof.scope import is_view_of_managed


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """For each relation the verbs that anon must not have, and TRUNCATE for signed-in users and visitors.

    For a view of auth.users also the verbs that signed-in users must not have.
    """
    for relation in catalog.exposed:
        entry = intent.relations[relation.qualified]
        for verb in VERBS:
            if "anon" not in entry.allowed[verb] | entry.filtered:
                yield Case(kind="grants", object=relation.qualified, verb=verb, expected={"anon": DENIED})
        for verb in VERBS[1:]:
            if is_view_of_managed(catalog, relation) and relation.takes(verb) and "owner" not in entry.allowed[verb]:
                yield Case(kind="grants", object=relation.qualified, verb=verb, expected={"owner": DENIED})
        expected = dict.fromkeys([a for a in ("anon", "owner") if a not in entry.truncate], DENIED)
        if not relation.is_view and expected:
            yield Case(kind="grants", object=relation.qualified, verb="truncate", expected=expected)


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Read the role's privileges from the catalog; the control is that the relation's owner holds them."""
    for actor in case.expected:
        role = "anon" if actor == "anon" else "authenticated"
        held, control = probe.rows.records.holds(probe.relation(case), role, case.verb), "postgres, who holds it"
        reason = f"{role} holds the privilege to {case.verb} {case.object}" if held else ""
        yield Cell(
            case=case,
            actor=actor,
            expected=DENIED,
            observed=ALLOWED if held else REFUSED,
            reason=reason,
            answer="the catalog",
            control=control,
        )
