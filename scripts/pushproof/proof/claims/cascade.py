"""A user who deletes their own row deletes another user's row by a cascade, which ignores policies."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pushproof.proof.cells import MINIMAL
from pushproof.proof.findings import REFUTED, UNPROVED, Context, LinterReport, Verdict

RULES = frozenset(("cascade_across_owners",))
FROM = re.compile(r"cascades from (.+)$")


def judge(context: Context, name: str, reports: Sequence[LinterReport]) -> Verdict:
    """Another user adds a row below the owner's row; the owner deletes their row."""
    probe, rows = context.probe, context.probe.rows
    child = probe.catalog.relations[name]
    for parent_name in dict.fromkeys(m[1] for r in reports if (m := FROM.search(r.words))):
        parent = probe.catalog.relations[parent_name]
        key = next(k for k in child.foreign_keys if k.target == parent_name and len(k.columns) == 1)
        row = rows.fresh_or_standing(parent, "owner")
        body = {**rows.values.body(child, "other"), key.columns[0]: row[key.target_columns[0]]}
        match = rows.values.mark(child, body)
        request = probe.request(parent, "DELETE", params=probe.where(parent, row), prefer=MINIMAL)
        try:
            posted = probe.ask("other", probe.request(child, "POST", body=body, prefer=MINIMAL))
            if posted.status >= 300 or not rows.records.count(child, match):
                continue
            answer = probe.ask("owner", request)
            gone = not rows.records.count(child, match)
        finally:
            rows.records.remove(child, match)
            rows.refresh()
        if answer.status >= 300:
            return Verdict(UNPROVED, f"the owner's row in {parent_name} could not be deleted: {answer.summary}")
        if gone:
            sentence = f"Whoever deletes their row in {parent_name} deletes other users' rows in {name} with it"
            return Verdict.confirmed(sentence, request.curl("owner"), answer.summary, severe=False)
    return Verdict(REFUTED, f"no user can add a row of {name} below another user's row, or it is not deleted with that")
