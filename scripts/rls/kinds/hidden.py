"""Holes behind the SELECT policy: an UPDATE or DELETE policy that lets others' rows through.

A request that names a row asks the SELECT policy too, which hides the hole; one that names none does not.
So that no row is at risk, the policy's own expression is asked with the other user's claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scripts.rls.catalog import Catalog, Policy
from scripts.rls.cells import ALLOWED, DENIED, FAILED, NOTHING, Case, Cell, Probe, is_alone, tables
from scripts.rls.intent import Intent


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """Every table with row level security: updates and deletes that others are not to do."""
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        for verb in ("update", "delete"):
            if relation.rls and entry.owner and "other" not in entry.allowed[verb] and "owner" in entry.allowed[verb]:
                alone = is_alone(relation, entry)
                yield Case("hidden", relation.qualified, verb, {"other": DENIED}, "without a filter", alone)


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """The policies on the owner's row, for the other user and, as the control, for the owner."""
    relation = probe.relation(case)
    row = probe.rows.standing(relation, "owner")
    policies = [p for p in probe.rows.policies(relation) if p.command in (case.verb, "all") and _binds(p)]
    passes = {who: probe.rows.passes(relation, row, policies, who) for who in ("other", "owner")}
    observed = ALLOWED if passes["other"] else NOTHING
    reason, control = "", "owner"
    if passes["other"]:
        reason = (
            f"other can {case.verb} every row of {case.object} by a request without a filter, the owner's among them"
        )
    elif not passes["owner"]:
        observed, control = FAILED, ""
        reason = f"no positive control: the policies of {case.object} do not let its owner {case.verb} either"
    yield Cell(case, "other", DENIED, observed, reason, answer=f"{len(policies)} policies", control=control)


def _binds(policy: Policy) -> bool:
    return bool({"authenticated", "public"} & set(policy.roles))
