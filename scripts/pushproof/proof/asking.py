"""Requests to the REST API and their answers: the only module of the engine that uses HTTP."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import getproxies

from pushproof.base.errors import UnreachableError
from pushproof.base.queries import query
from pushproof.target.api import PATIENCE_SECONDS, is_rate_limit, pause_of
from pushproof.target.clocks import REFUSED, token_refused
from pushproof.target.database import connect

if TYPE_CHECKING:
    from pathlib import Path

    import urllib3

    from pushproof.target.targets import Target

SECONDS = 30
OPTIONS: dict[str, Any] = {"maxsize": 16, "retries": False, "timeout": SECONDS}
UNAUTHORIZED, UNAVAILABLE = 401, 503
# A proxy in front of PostgREST reports that it does not answer. The last ones are Cloudflare's.
NO_ANSWER = (502, UNAVAILABLE, *range(520, 528), 530)
PATIENT_SECONDS = 1  # before it checks whether the services run
ENOUGH = 5  # answers "connecting" to one request while the services run: then the request itself causes them
CANCELED = "57014"  # the server canceled the statement, for example by a role's statement_timeout
# The request had no effect: the database ended the connection, or PostgREST is connecting or reading its schema.
LOADING = "PGRST002"  # PostgREST is reading its schema
UNCONNECTED = "PGRST000"  # the database refuses PostgREST's connection
CONNECTING = (b'"57P0', b'"PGRST000"', b'"PGRST001"', b'"PGRST002"')
NO_RIGHT = "42501"
# Codes for what the API does not serve to the caller, other than for a missing privilege: unknown to its schema cache.
UNKNOWN = "PGRST202"  # a function
UNSERVED = (UNKNOWN, "PGRST205", "42P01")


@dataclass(frozen=True)
class Actor:
    """The sender of a request. `headers` hold secrets; `id` is the user's id, empty for anon and service."""

    name: str
    headers: Mapping[str, str] = field(repr=False)
    id: str = ""


@dataclass(frozen=True)
class Request:
    """A REST request without its sender. `path` is the part after /rest/v1/, percent-encoded."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    prefer: str = ""
    schema: str = ""
    media: str = "application/json"

    @property
    def url(self) -> str:
        """The path with its query, percent-encoded, relative to the REST root."""
        return self.path + (f"?{urlencode(self.params, safe='*,().:-')}" if self.params else "")

    def curl(self, actor: str) -> str:
        """The request as a shell command, with variables in place of secrets."""
        parts = ["curl", "-X", self.method, _quoted(f"$SUPABASE_URL/rest/v1/{self.url}")]
        parts += [
            "-H",
            '"apikey: $' + ("SUPABASE_SECRET_KEY" if actor == "service" else "SUPABASE_PUBLISHABLE_KEY") + '"',
        ]
        if actor not in ("anon", "service"):
            parts += ["-H", f'"Authorization: Bearer ${actor.upper()}_TOKEN"']
        if self.prefer:
            parts += ["-H", _quoted(f"Prefer: {self.prefer}")]
        if self.schema:
            parts += ["-H", _quoted(f"{self._profile}: {self.schema}")]
        if self.body is not None:
            parts += [
                "-H",
                _quoted(f"Content-Type: {self.media}"),
                "-d",
                "'" + json.dumps(self.body).replace("'", "'\\''") + "'",
            ]
        return " ".join(parts)

    @property
    def _profile(self) -> str:
        return "Accept-Profile" if self.method in ("GET", "HEAD") else "Content-Profile"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the request itself needs; the actor's come on top."""
        headers = {"Prefer": self.prefer} if self.prefer else {}
        if self.schema:
            headers[self._profile] = self.schema
        if self.body is not None:
            headers["Content-Type"] = self.media
        return headers


@dataclass(frozen=True)
class Answer:
    """An answer of the API: status, decoded body, Content-Range (`range`), and the seconds it took."""

    status: int
    body: Any
    range: str = ""
    seconds: float = 0

    @property
    def code(self) -> str:
        """The SQLSTATE or PostgREST's code of an error; empty for a success."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) and self.status >= 400 else ""

    @property
    def rows(self) -> list[Any]:
        """The rows of the body; empty if it is no list."""
        return self.body if isinstance(self.body, list) else []

    @property
    def refused(self) -> bool:
        """Whether a privilege is missing, a policy refused the request, or the API does not serve the object."""
        unknown = self.status == 404 and not self.code  # PostgREST 12, for a write to a relation that its cache lacks
        return (self.status in (401, 403) and self.code == NO_RIGHT) or self.code in UNSERVED or unknown

    @property
    def touched(self) -> bool:
        """Whether an update matched a row: Content-Range shows it, also if the body is empty."""
        return not self.range.startswith("*")

    @property
    def summary(self) -> str:
        """The answer in one line, for people."""
        if self.code == CANCELED:
            return f"did not answer in {self.seconds:.0f} s"
        if self.status >= 400 and isinstance(self.body, dict):
            return f"{self.status} {self.code} {self.body.get('message', '')}".strip()
        if isinstance(self.body, list):
            total = self.range.rpartition("/")[2]
            of_total = f" of {total}" if total.isdecimal() else ""
            plural = "" if len(self.body) == 1 and not of_total else "s"
            return f"{self.status}, {len(self.body)}{of_total} row{plural}"
        return f"{self.status}" + (f" {json.dumps(self.body)[:60]}" if self.body is not None else "")


class RestApi:
    """One REST API; several threads may use it at once."""

    def __init__(
        self,
        pool: urllib3.PoolManager | urllib3.HTTPConnectionPool,
        url: str,
        check: Callable[[], None] = lambda: None,
        kind: str = "embedded",
        give_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._pool = pool
        self._kind = kind  # of the target
        self._url = url
        self._give_up = give_up  # ends the unanswered requests in the database
        self._check = check  # raises if a service has died, so that waiting is useless

    @classmethod
    def of(cls, target: Target, check: Callable[[], None] = lambda: None) -> RestApi:
        """The API of a target, through the proxy of the environment if the target is not on this machine."""
        import urllib3

        url = f"{target.url}/rest/v1"
        proxy = None if target.database.loopback else getproxies().get(url.partition(":")[0])
        return cls(
            urllib3.ProxyManager(proxy, **OPTIONS) if proxy else urllib3.PoolManager(**OPTIONS),
            url,
            check,
            target.kind,
            partial(_end_unanswered, target),
        )

    @classmethod
    def at(cls, path: Path, target: Target, check: Callable[[], None] = lambda: None) -> RestApi:
        """A PostgREST without a gateway, on the Unix socket `path`, for the database of this target."""
        import urllib3

        class Connection(urllib3.connection.HTTPConnection):
            def _new_conn(self) -> socket.socket:
                connected = socket.socket(socket.AF_UNIX)
                connected.settimeout(SECONDS)
                connected.connect(str(path))
                return connected

        pool = urllib3.HTTPConnectionPool("rest", **OPTIONS)
        pool.ConnectionCls = Connection
        return cls(pool, "", check, give_up=partial(_end_unanswered, target))

    def ask(self, actor: Actor, request: Request) -> Answer:
        """Send a request; wait, within a limit, while a rate limit holds or PostgREST is connecting.

        Raises UnreachableError if the API does not answer, and StackError or CredentialsError if it refuses the token
        because the clocks differ.
        """
        start = time.monotonic()
        failures = 0  # answers "connecting" although all services run
        while True:
            answer, response = self._send(actor, request)
            if response is None:
                return answer
            self._check_token(actor, answer, response.headers.get("date"))
            busy = response.status == UNAVAILABLE and any(code in response.data for code in CONNECTING)
            if busy and answer.seconds > SECONDS - 1:  # ended together with another request that was not answered
                return Answer(504, {"code": CANCELED}, seconds=answer.seconds)
            patient = busy and time.monotonic() < start + PATIENT_SECONDS
            if busy and not patient:
                self._check()
                failures += answer.code != LOADING
            least = (0.02 if patient else 1) if busy else 0.1
            pause = pause_of(response.headers.get("retry-after"), least if busy else 1, least)
            late = time.monotonic() + pause > start + PATIENCE_SECONDS or failures >= ENOUGH
            refused = answer.code == UNCONNECTED and not patient
            if late or refused or not (busy or is_rate_limit(response.status, response.data)):
                if response.status in NO_ANSWER and (refused or not (busy or answer.code)):
                    raise self._unreachable(answer.summary)
                return answer
            time.sleep(pause)

    def _send(self, actor: Actor, request: Request) -> tuple[Answer, urllib3.BaseHTTPResponse | None]:
        """Send a request once: the answer, and the response; None if it did not come in time and was ended."""
        import urllib3

        began = time.monotonic()
        body = None if request.body is None else json.dumps(request.body).encode()
        headers = {**actor.headers, **request.headers}
        try:
            response = self._pool.request(request.method, f"{self._url}/{request.url}", body=body, headers=headers)
        except urllib3.exceptions.ReadTimeoutError:
            self._give_up()
            return Answer(504, {"code": CANCELED}, seconds=SECONDS), None
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            raise self._unreachable(problem.__class__.__name__) from None
        content_range = response.headers.get("content-range", "")
        return Answer(
            status=response.status, body=_decoded(response.data), range=content_range, seconds=time.monotonic() - began
        ), response

    def _check_token(self, actor: Actor, answer: Answer, date: str | None) -> None:
        if answer.status == UNAUTHORIZED and (refusal := REFUSED.search(answer.summary)):
            self._check()  # only the stack issues the token of the secret key
            token = actor.headers.get("Authorization", "").removeprefix("Bearer ")
            server = f"the REST API{self._url and f' at {self._url}'}"
            raise token_refused(self._kind, server, actor.name, message=refusal[0], token=token, date=date)

    def _unreachable(self, reason: str) -> UnreachableError:
        return UnreachableError(
            f"the REST API{self._url and f' at {self._url}'} does not answer: {reason}",
            "check that it is up, then run this again",
        )


def _end_unanswered(target: Target) -> None:
    """End the running requests in the database; not on a remote target: it has its own limits, and other users."""
    if target.kind != "remote":
        with connect(target) as connection:
            connection.execute(query("proof/end_unanswered"))


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode(errors="replace")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
