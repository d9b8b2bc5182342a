"""Checks of a target's HTTP API: whether it answers and accepts the target's keys."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pushproof.base.errors import CredentialsError, PausedError, UnreachableError

if TYPE_CHECKING:
    from pushproof.target.targets import Target

SECONDS = 10
PATIENCE_SECONDS = 60  # how long to wait for a rate limit to end
TOO_MANY = 429
PAUSED = 540  # https://supabase.com/docs/guides/troubleshooting/http-status-codes
RESTART = {
    "embedded": "run `pushproof stop` and `pushproof start`; `pushproof status` shows its state",
    "local": "run `supabase stop` and `supabase start`; `supabase status` shows its state",
}
KEYS_PAGE = "Dashboard > Project Settings > API Keys"


def http_status(
    url: str, path: str = "/auth/v1/health", headers: dict[str, str] | None = None, *, method: str = "GET"
) -> int:
    """The status of a request without a body; 0 if there is no answer."""
    return _request(url, path, headers or {}, method=method)[0]


def http_date(url: str) -> str | None:
    """The server's time, from the Date header of an answer; None if there is none."""
    return _request(url, "/auth/v1/health", {}, method="GET")[1]


def _request(url: str, path: str, headers: dict[str, str], method: str) -> tuple[int, str | None]:
    """The status and the Date header of an answer; (0, None) if there is no answer."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("date")
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def pause_of(retry_after: str | None, otherwise: float = 1, least: float = 0.1) -> float:
    """The seconds to wait by a Retry-After header, at least `least`; `otherwise` if it is missing or a date."""
    try:
        return max(float(retry_after or otherwise), least)
    except ValueError:
        return otherwise


def is_rate_limit(status: int, body: bytes) -> bool:
    """Whether an answer comes from a rate limit of the platform, not from SQL of the project that raises status 429.

    https://docs.postgrest.org/en/v12/references/errors.html#raise-errors-with-http-status-codes
    """
    return status == TOO_MANY and b'"PT429"' not in body


def paused() -> PausedError:
    """The error for a paused project."""
    return PausedError("the project is paused", "restore it in the dashboard and wait until it is healthy")


def check_answer(target: Target, status: int, path: str = "") -> None:
    """Raise UnreachableError or PausedError for a status that a healthy project does not answer."""
    remote = target.kind == "remote"
    if status == PAUSED:
        raise paused()
    if status == 0:
        raise UnreachableError(
            f"{target.url}{path} does not answer",
            "check SUPABASE_URL and your network" if remote else RESTART[target.kind],
        )
    if status >= 500:
        raise UnreachableError(
            f"{target.url}{path} answers {status}",
            "wait until it is healthy: the dashboard shows its state" if remote else RESTART[target.kind],
        )


def service_headers(target: Target) -> dict[str, str]:
    """The secret key as client libraries send it: a legacy key is valid only as a bearer token."""
    return {"apikey": target.secret_key, "Authorization": f"Bearer {target.secret_key}"}


def check_keys(target: Target) -> None:
    """Check that the API answers and accepts both keys.

    Raises UnreachableError, PausedError, or CredentialsError. The message holds no key.
    """
    for name, headers, path in (
        ("publishable", {"apikey": target.publishable_key}, "/auth/v1/settings"),
        ("secret", service_headers(target), "/auth/v1/admin/users?page=1&per_page=1"),
    ):
        status = http_status(target.url, path, headers)
        check_answer(target, status)
        if status != 200:
            raise CredentialsError(
                f"{target.url} refuses the {name} key ({status})",
                f"copy it again: {KEYS_PAGE}" if target.kind == "remote" else RESTART[target.kind],
            )
