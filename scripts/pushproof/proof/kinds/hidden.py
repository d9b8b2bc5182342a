"""Holes behind the SELECT policy: an UPDATE or DELETE policy that lets others' rows through.

A request that names a row asks the SELECT policy too, of the row as it was and as it becomes, which hides
the hole; one that names none does not. So that no row is at risk, the policy's own expression is asked with
the user's claims: of the owner's row, and of a row that its owner gives to somebody else's parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pushproof.proof.catalog import Catalog, Policy, Relation
from pushproof.proof.cells import Case, Cell, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.kinds import columns
from pushproof.proof.outcomes import ALLOWED, DENIED, FAILED, NOTHING
from pushproof.proof.records import Row
from pushproof.proof.scope import is_alone, tables

UNFILTERED = "without a filter"


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """Every table with row level security: updates and deletes that others are not to do, and columns.

    Those that say whose a row is, where its owner may write them and is not to.
    """
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        for verb in ("update", "delete"):
            if relation.rls and entry.owner and "other" not in entry.allowed[verb] and "owner" in entry.allowed[verb]:
                alone = is_alone(relation, entry)
                yield Case(
                    kind="hidden",
                    object=relation.qualified,
                    verb=verb,
                    expected={"other": DENIED},
                    detail=UNFILTERED,
                    alone=alone,
                )
        for column in dict.fromkeys(c for c in (entry.owner, *entry.parents) if c):
            open_ = relation.rls and relation.by_name[column].open_to("authenticated", "update")
            if open_ and column not in entry.columns and "owner" in entry.allowed["update"]:
                alone = is_alone(relation, entry)
                yield Case(
                    kind="hidden",
                    object=relation.qualified,
                    verb="update",
                    expected={"owner": DENIED},
                    detail=f"{column} {UNFILTERED}",
                    alone=alone,
                )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """The policies on the owner's row, for the other user and, as the control, for the owner."""
    relation = probe.relation(case)
    row = probe.rows.standing(relation, "owner")
    if case.detail != UNFILTERED:
        yield _given_away(probe, relation, case, row=row)
        return
    policies = [p for p in probe.rows.records.policies(relation) if p.command in (case.verb, "all") and _binds(p)]
    passes = {who: probe.rows.records.passes(relation, row, policies, who=who) for who in ("other", "owner")}
    observed = ALLOWED if passes["other"] else NOTHING
    reason, control = "", "owner"
    if passes["other"]:
        reason = (
            f"other can {case.verb} every row of {case.object} by a request without a filter, the owner's among them"
        )
    elif not passes["owner"]:
        observed, control = FAILED, ""
        reason = f"no positive control: the policies of {case.object} do not let its owner {case.verb} either"
    yield Cell(
        case=case,
        actor="other",
        expected=DENIED,
        observed=observed,
        reason=reason,
        answer=f"{len(policies)} policies",
        control=control,
    )


def _given_away(probe: Probe, relation: Relation, case: Case, row: Row) -> Cell:
    """The row with another user's value in the column, as the policies on what a row becomes see it."""
    column = case.detail.removesuffix(f" {UNFILTERED}")
    policies = [p for p in probe.rows.records.policies(relation) if p.command in ("update", "all") and _binds(p)]
    becomes = [replace(p, qual=p.check or p.qual) for p in policies]
    changed = {**row, **columns.change_of(probe, relation, row, name=column)}
    passes = probe.rows.records.passes(relation, changed, becomes, who="owner")
    reason = (
        f"the owner can set {column} of {case.object} to another user's by a request without a filter" if passes else ""
    )
    observed = ALLOWED if passes else NOTHING
    words = f"{len(policies)} policies"
    return Cell(
        case=case,
        actor="owner",
        expected=DENIED,
        observed=observed,
        reason=reason,
        answer=words,
        control="postgres, by SQL",
    )


def _binds(policy: Policy) -> bool:
    return bool({"authenticated", "public"} & set(policy.roles))
