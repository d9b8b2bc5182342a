"""Connections for supabase-py's clients, on which a rate limit is waited out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

from pushproof.target.api import PATIENCE_SECONDS, TOO_MANY, is_rate_limit, pause_of

if TYPE_CHECKING:
    from pushproof.target.targets import Target

SECONDS = 30


class PatientClient(httpx.Client):
    """Sends again what was answered by 429, which did nothing, for as long as patience lasts."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            response = super().send(request, **options)
            pause = pause_of(response.headers.get("retry-after"))
            limited = response.status_code == TOO_MANY and is_rate_limit(TOO_MANY, response.read())
            if not limited or time.monotonic() + pause > until:
                return response
            response.close()
            time.sleep(pause)


def http_client(target: Target) -> httpx.Client:
    """Connections to the target, which the caller closes: no proxy where a loopback target needs none.

    Certificates take 0.05 s to load, so plain http does without.
    """
    return PatientClient(
        timeout=SECONDS, trust_env=not target.database.loopback, verify=target.url.startswith("https:")
    )
