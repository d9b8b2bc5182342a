"""An extension in an exposed schema: whether its functions can be called as rpc."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from pushproof.base.queries import query
from pushproof.proof.asking import Request
from pushproof.proof.findings import REFUTED, UNPROVED, Context, LinterReport, Verdict

RULES = frozenset(("extension_in_public",))


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """A visitor calls a function of the extension that takes no arguments."""
    extension = name.rpartition(".")[2]
    functions = context.probe.rows.records.connection.execute(
        query("proof/claims/extension_functions"), {"extension": extension}
    ).fetchall()
    for (function,) in functions:
        request = Request("POST", f"rpc/{quote(function, safe='')}", body={})
        answer = context.probe.ask("anon", request)
        if answer.status < 300:
            sentence = f"Anybody can call functions of {extension} as rpc, such as {function}"
            return Verdict.confirmed(sentence, request.curl("anon"), answer.summary, severe=False)
        if answer.refused:
            return Verdict(
                verdict=REFUTED,
                sentence=f"{function} is refused",
                request=request.curl("anon"),
                answer=answer.summary,
                severe=False,
            )
    return Verdict(UNPROVED, f"no function of {extension} can be called without arguments", severe=False)
