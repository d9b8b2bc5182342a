"""Holes behind the SELECT policy: an UPDATE or DELETE policy that lets others' rows through.

A request that filters rows applies the SELECT policy too, to the old and to the new row, which hides the hole. A
request without a filter does not. To put no row at risk, the policy's own expression is evaluated with the user's
claims: for the owner's row, and for a row that its owner gives to another user or to another user's parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pushproof.proof.catalog import Catalog, Policy, Relation
from pushproof.proof.cells import Case, Cell, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.kinds import columns
from pushproof.proof.outcomes import ALLOWED, DENIED, FAILED, NOTHING
from pushproof.proof.records import Row
from pushproof.proof.scope import is_alone, tables

UNFILTERED = "without a filter"


@dataclass(frozen=True, kw_only=True)
class HiddenCase(Case):
    """A case about a request without a filter; with `column`, one that sets this column to another user's value."""

    column: str = ""

    @property
    def detail(self) -> str:
        """The column, if there is one, and that there is no filter."""
        return f"{self.column} {UNFILTERED}" if self.column else UNFILTERED


def derive(catalog: Catalog, intent: Intent) -> Iterable[HiddenCase]:
    """For each table with row level security the updates and deletes that others must not do.

    Also its owner and parent columns that its owner must not set, but has the privilege to.
    """
    for relation in tables(catalog):
        entry = intent.relations[relation.qualified]
        for verb in ("update", "delete"):
            if relation.rls and entry.owner and "other" not in entry.allowed[verb] and "owner" in entry.allowed[verb]:
                alone = is_alone(relation, entry)
                yield HiddenCase(
                    kind="hidden",
                    object=relation.qualified,
                    verb=verb,
                    expected={"other": DENIED},
                    alone=alone,
                )
        for column in dict.fromkeys(c for c in (entry.owner, *entry.parents) if c):
            open_ = relation.rls and relation.by_name[column].open_to("authenticated", "update")
            if open_ and column not in entry.columns and "owner" in entry.allowed["update"]:
                alone = is_alone(relation, entry)
                yield HiddenCase(
                    kind="hidden",
                    object=relation.qualified,
                    verb="update",
                    expected={"owner": DENIED},
                    column=column,
                    alone=alone,
                )


def ask(probe: Probe, case: HiddenCase) -> Iterator[Cell]:
    """Evaluate the policies for the owner's row as the other user and, for the control, as the owner."""
    relation = probe.relation(case)
    row = probe.rows.standing(relation, "owner")
    if case.column:
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
    yield _cell(case, "other", observed, reason=reason, policies=policies, control=control)


def _given_away(probe: Probe, relation: Relation, case: HiddenCase, row: Row) -> Cell:
    """Evaluate the policies' checks for the row with another user's value in the column."""
    column = case.column
    policies = [p for p in probe.rows.records.policies(relation) if p.command in ("update", "all") and _binds(p)]
    checks = [replace(p, qual=p.check or p.qual) for p in policies]
    changed = {**row, **columns.change_of(probe, relation, row, name=column)}
    passes = probe.rows.records.passes(relation, changed, checks, who="owner")
    reason = (
        f"the owner can set {column} of {case.object} to another user's by a request without a filter" if passes else ""
    )
    observed = ALLOWED if passes else NOTHING
    return _cell(case, "owner", observed, reason=reason, policies=policies, control="postgres, by SQL")


def _cell(
    case: HiddenCase, actor: str, observed: str, *, reason: str, policies: Sequence[Policy], control: str
) -> Cell:
    """An answer that the policies give, by SQL."""
    answer = f"{len(policies)} policies"
    return Cell(case, actor, DENIED, observed=observed, reason=reason, answer=answer, control=control)


def _binds(policy: Policy) -> bool:
    return bool({"authenticated", "public"} & set(policy.roles))
