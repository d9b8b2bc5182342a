"""A target's HTTP API: whether it answers, and whether it takes the target's keys."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pushproof.base.errors import CredentialsError, PausedError, UnreachableError

if TYPE_CHECKING:
    from pushproof.target.targets import Target

SECONDS = 10
PATIENCE_SECONDS = 60  # in which a rate limit is waited out
TOO_MANY = 429
PAUSED = 540  # https://supabase.com/docs/guides/troubleshooting/http-status-codes
RESTART = {
    "embedded": "run `pushproof stop` and `pushproof start`; `pushproof status` shows how it is",
    "local": "run `supabase stop` and `supabase start`; `supabase status` shows how it is",
}
KEYS_PAGE = "Dashboard > Project Settings > API Keys"


def http_status(
    url: str, path: str = "/auth/v1/health", headers: dict[str, str] | None = None, *, method: str = "GET"
) -> int:
    """The status of a request without a body; 0 without an answer."""
    return _asked(url, path, headers or {}, method=method)[0]


def http_date(url: str) -> str | None:
    """What the server's answers say of its time."""
    return _asked(url, "/auth/v1/health", {}, method="GET")[1]


def _asked(url: str, path: str, headers: dict[str, str], method: str) -> tuple[int, str | None]:
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
    """The seconds that an answer asks to wait, `least` at least; a date, which the header may also hold, counts as
    `otherwise`.
    """
    try:
        return max(float(retry_after or otherwise), least)
    except ValueError:
        return otherwise


def is_rate_limit(status: int, body: bytes) -> bool:
    """Whether an answer comes from a rate limit of the platform's, not from SQL of the project's that says 429.

    https://docs.postgrest.org/en/v12/references/errors.html#raise-errors-with-http-status-codes
    """
    return status == TOO_MANY and b'"PT429"' not in body


def paused() -> PausedError:
    """A hosted project sleeps until somebody restores it."""
    return PausedError("the project is paused", "restore it in the dashboard, wait until it is healthy")


def check_answer(target: Target, status: int, path: str = "") -> None:
    """Raise UnreachableError or PausedError for a status that no healthy project answers."""
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
    """The secret key as client libraries send it: a legacy one counts only as a bearer token."""
    return {"apikey": target.secret_key, "Authorization": f"Bearer {target.secret_key}"}


def check_keys(target: Target) -> None:
    """Raise unless the API answers and takes both keys.

    UnreachableError, PausedError, or CredentialsError, whose message holds no key.
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
                f"copy it anew: {KEYS_PAGE}" if target.kind == "remote" else RESTART[target.kind],
            )
