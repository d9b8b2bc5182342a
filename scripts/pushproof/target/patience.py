"""HTTP connections for supabase-py clients that wait for the end of a rate limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

from pushproof.target.api import PATIENCE_SECONDS, TOO_MANY, is_rate_limit, pause_of

if TYPE_CHECKING:
    from pushproof.target.targets import Target

SECONDS = 30


class PatientClient(httpx.Client):
    """Repeats requests that a rate limit refused (429), for at most PATIENCE_SECONDS."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send the request; wait and repeat it while the rate limit is used up."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            response = super().send(request, **options)
            pause = pause_of(response.headers.get("retry-after"))
            limited = response.status_code == TOO_MANY and is_rate_limit(TOO_MANY, response.read())
            if not limited or time.monotonic() + pause > deadline:
                return response
            response.close()
            time.sleep(pause)


def http_client(target: Target) -> httpx.Client:
    """HTTP connections to the target, which the caller closes. A loopback target is reached without a proxy.

    Plain http loads no certificates, which takes 0.05 s.
    """
    return PatientClient(
        timeout=SECONDS, trust_env=not target.database.loopback, verify=target.url.startswith("https:")
    )
