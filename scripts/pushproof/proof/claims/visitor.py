"""A policy to PUBLIC also judges visitors: whether one gets as far as the policy."""

from __future__ import annotations

from collections.abc import Sequence

from pushproof.proof.claims import reach
from pushproof.proof.findings import CONFIRMED, Context, LinterReport, Verdict
from pushproof.proof.outcomes import ALLOWED, REFUSED

RULES = frozenset(("SEC003",))


def judge(context: Context, name: str, reports: Sequence[LinterReport]) -> Verdict:
    """A visitor who is refused never meets the policy; one who gets an empty answer has."""
    asked = [c for c in context.on(name) if c.actor == "anon" and c.case.kind in reach.KINDS and c.request]
    met = next((c for c in asked if c.observed not in (REFUSED, ALLOWED)), None)
    if met is None or any(c.observed == ALLOWED for c in asked):
        return reach.judge(context, name, reports)
    request = met.curl
    words = f"No leak yet: a visitor is let in to {name}, and its policies to PUBLIC are all that turns them away"
    return Verdict(verdict=CONFIRMED, sentence=words, request=request, answer=met.answer, severe=False)
