"""What is expected of a request, and what may be observed."""

from __future__ import annotations

from pushproof.proof.asking import Answer

ALLOWED, DENIED, REFUSED = "allowed", "denied", "refused"  # what is expected
NOTHING, REJECTED, FAILED = "nothing", "rejected", "failed"  # what else may be observed
FULFILS = {
    ALLOWED: (ALLOWED,),
    DENIED: (REFUSED, NOTHING, REJECTED),
    REFUSED: (REFUSED,),  # not an empty list: that would be a grant
}


def observed_of(answer: Answer, *, effect: bool) -> str:
    """A write's outcome: the row's own state decides, the status only says how it was denied.

    What was answered by an error was rolled back: an effect seen beside it is somebody else's.
    """
    if effect and answer.status < 300:
        return ALLOWED
    if answer.refused:
        return REFUSED
    if answer.status < 300:
        return NOTHING
    if answer.code.startswith("PGRST"):  # PostgREST did not ask the database, as for a column its cache lacks
        return FAILED
    return REJECTED if answer.code.startswith("23") or answer.status in (400, 404, 405, 409) else FAILED
