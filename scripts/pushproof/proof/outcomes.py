"""The outcomes that can be expected of a request, and those that can be observed."""

from __future__ import annotations

from pushproof.proof.asking import Answer

ALLOWED, DENIED, REFUSED = "allowed", "denied", "refused"  # expected or observed
NOTHING, REJECTED, FAILED = "nothing", "rejected", "failed"  # only observed
FULFILS = {
    ALLOWED: (ALLOWED,),
    DENIED: (REFUSED, NOTHING, REJECTED),
    REFUSED: (REFUSED,),  # not NOTHING: an empty list shows that the role holds a privilege
}


def observed_of(answer: Answer, *, effect: bool) -> str:
    """The outcome of a write: `effect`, whether the row changed, decides; the status says only how it was denied.

    A request that ended in an error was rolled back, so an effect seen then comes from another request.
    """
    if effect and answer.status < 300:
        return ALLOWED
    if answer.refused:
        return REFUSED
    if answer.status < 300:
        return NOTHING
    if answer.code.startswith("PGRST"):  # PostgREST did not ask the database, as for a column missing from its cache
        return FAILED
    return REJECTED if answer.code.startswith("23") or answer.status in (400, 404, 405, 409) else FAILED
