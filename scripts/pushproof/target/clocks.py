"""Errors from clocks that disagree: the server that checks a token has another time than the one that issued it."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

from pushproof.base.errors import CredentialsError, PushproofError, StackError

LEEWAY_SECONDS = 30  # PostgREST's own
# PostgREST's messages, with code PGRST301 up to version 12 and PGRST303 later.
REFUSED = re.compile(r"JWT ?(expired|not ?yet ?valid|issued ?at ?future)", re.IGNORECASE)
SET_CLOCK = "set the clocks by NTP (`timedatectl`, or restart the virtual machine), then run this again"


def check_keys_of_stack(service_role_key: str) -> None:
    """Raise StackError if the clock of this machine was set back after the stack's keys were made."""
    ahead = _claims(service_role_key).get("iat", 0) - time.time()
    if ahead > LEEWAY_SECONDS:
        raise StackError(
            f"the clock of this machine disagrees with the stack's keys: they were issued {ahead:.0f} s in the future",
            f"{SET_CLOCK}; if it is right: `pushproof stop`, remove state.json from the state folder, "
            "`pushproof start` (the data stays, the keys are new)",
        )


def token_refused(kind: str, server: str, who: str, message: str, token: str, date: str | None) -> PushproofError:
    """The error for a token that a server refuses as expired or not yet valid: StackError or CredentialsError.

    `kind` is the target's, `who` the actor, `message` the server's message, `date` the Date header of its answer.
    """
    server_time, claims = parsedate_to_datetime(date).timestamp() if date else time.time(), _claims(token)
    cause, hint = f"a clock disagrees: {server} refuses the token of {who} ({message})", SET_CLOCK
    if "expired" in message:
        hint += "; a run that takes longer than its tokens live needs a longer `jwt_expiry`"
    if "exp" in claims and "expired" in message:
        cause += f", which expired {server_time - claims['exp']:.0f} s ago"
    elif "iat" in claims:
        cause += f", which was issued {claims['iat'] - server_time:.0f} s in the future"
    if abs(ahead := time.time() - server_time) > LEEWAY_SECONDS:
        cause += f"; the clock here is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}"
    return (StackError if kind == "embedded" else CredentialsError)(cause, hint)


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token, without a check of its signature; empty if it is no JWT."""
    import jwt

    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        return {}
