"""A policy that trusts user_metadata, which users write themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pushproof.proof.findings import REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.unaskable import UnaskableError

RULES = frozenset(("rls_references_user_metadata", "SEC033"))
COMPARED = re.compile(r"user_metadata'::text\)+ *->>? *'(\w+)'::text\)*(?:::\w+\)*)? *(?:= *(?:'([^']*)'|\(?(\w+)\b))?")


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """A user writes the metadata that the policy requires into their own, and reads the owner's row."""
    relation = context.probe.catalog.relations.get(name)
    if relation is None or relation.is_view:
        return Verdict(UNPROVED, f"no row of {name} can be tried")
    row = context.probe.rows.standing(relation, "owner")
    wanted: dict[str, Any] = {}
    for policy in context.probe.catalog.policies_of(name):
        for key, literal, column in COMPARED.findall(f"{policy.qual} {policy.check}"):
            wanted[key] = literal or str(row.get(column, "")) or True
    if not wanted:
        raise UnaskableError(f"the policies of {name} compare user_metadata in a form that is not recognized")
    request = context.probe.request(relation, "GET", params={"select": "*", **context.probe.where(relation, row)})
    attacker = context.actors.sign_up("attacker")
    before = context.probe.api.ask(attacker, request)
    after = context.probe.api.ask(context.actors.edit(attacker, wanted), request)
    added = ", ".join(f"{k}: {v}" for k, v in wanted.items())
    if after.rows and not before.rows:
        sentence = f"Any signed-in user who writes {added} into their own metadata can read other users' rows in {name}"
        return Verdict.confirmed(
            sentence, request.curl("attacker"), after.summary, control=f"without it: {before.summary}"
        )
    return Verdict(
        verdict=REFUTED,
        sentence=f"writing {added} into one's own metadata changes nothing",
        request=request.curl("attacker"),
        answer=after.summary,
    )
