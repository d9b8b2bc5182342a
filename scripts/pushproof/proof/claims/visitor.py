"""A policy to PUBLIC also applies to visitors: whether a request of a visitor reaches the policy."""

from __future__ import annotations

from collections.abc import Sequence

from pushproof.proof.claims import reach
from pushproof.proof.findings import Context, LinterReport, Verdict
from pushproof.proof.outcomes import ALLOWED, REFUSED

RULES = frozenset(("SEC003",))


def judge(context: Context, name: str, reports: Sequence[LinterReport]) -> Verdict:
    """Confirmed if a visitor gets an empty answer; a visitor who is refused does not reach the policy."""
    asked = [c for c in context.on(name) if c.actor == "anon" and c.case.kind in reach.KINDS and c.request]
    reached = next((c for c in asked if c.observed not in (REFUSED, ALLOWED)), None)
    if reached is None or any(c.observed == ALLOWED for c in asked):
        return reach.judge(context, name, reports)
    request = reached.curl
    sentence = f"No leak yet: visitors hold a privilege on {name}, and only its policies to PUBLIC deny them its rows"
    return Verdict.confirmed(sentence, request, reached.answer, severe=False)
