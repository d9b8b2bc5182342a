"""Missing policies or grants deny access to everybody, also to the owner."""

from __future__ import annotations

from collections.abc import Sequence

from pushproof.proof.findings import REFUTED, Context, LinterReport, Verdict
from pushproof.proof.outcomes import ALLOWED

RULES = frozenset(("rls_enabled_no_policy", "SEC009", "SEC010", "SEC012", "SEC022", "SEC037", "missing_grant"))


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """Confirmed if an actor is denied what access.toml allows."""
    cells = context.on(name)
    for cell in cells:
        if cell.expected == ALLOWED and cell.observed != ALLOWED and cell.actor != "service":
            return Verdict.confirmed(f"Nothing leaks, but {cell.reason}", cell.curl, cell.answer, severe=False)
    return Verdict(REFUTED, f"every actor gets what access.toml declares for {name}")
