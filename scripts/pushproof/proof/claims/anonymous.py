"""Users who signed in anonymously may read what any signed-in user may read."""

from __future__ import annotations

from collections.abc import Sequence

from pushproof.proof.claims import reach
from pushproof.proof.findings import REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.outcomes import ALLOWED

RULES = frozenset(("any_signed_in",))


def judge(context: Context, name: str, reports: Sequence[LinterReport]) -> Verdict:
    """A user signs in anonymously, if the project allows it, and reads the owner's row.

    It is not severe: access.toml lets every signed-in user read the row, or a cell of `other` has failed.
    """
    relation = context.probe.catalog.relations.get(name)
    if relation is None or relation.is_view:
        return Verdict(UNPROVED, f"no row of {name} can be tried")
    if any(c.actor == "anon" and c.observed == ALLOWED and c.case.kind == "select" for c in context.on(name)):
        return reach.judge(context, name, reports)  # nobody needs to sign in
    row = context.probe.rows.standing(relation, "owner")
    visitor, message = context.actors.anonymous()
    request = context.probe.request(relation, "GET", params={"select": "*", **context.probe.where(relation, row)})
    if visitor is None:
        return Verdict(
            verdict=REFUTED,
            sentence=f"nobody can sign in anonymously: {message}",
            request="POST /auth/v1/signup",
            answer=message,
        )
    answer = context.probe.api.ask(visitor, request)
    if answer.rows:
        sentence = f"Anybody who signs in anonymously, without an address, can read rows of {name}"
        return Verdict.confirmed(sentence, request.curl("anonymous"), answer.summary, severe=False)
    return Verdict(
        verdict=REFUTED,
        sentence="an anonymous sign-in gets nothing",
        request=request.curl("anonymous"),
        answer=answer.summary,
    )
