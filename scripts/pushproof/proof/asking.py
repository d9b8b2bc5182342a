"""Requests to the REST API, and what came back: the only place of the engine that speaks HTTP."""

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
# What stands in front of PostgREST says: it does not answer. The last ones are Cloudflare's.
NO_ANSWER = (502, UNAVAILABLE, *range(520, 528), 530)
PATIENT_SECONDS = 1  # until it is asked whether the services live
ENOUGH = 5  # times that they live, and one request is answered by "connecting" all the same: its own doing
CANCELED = "57014"  # the server ended the statement: a role's statement_timeout
# Nothing was done: the database ended the connection, or PostgREST is about to connect again or to read its schema.
LOADING = "PGRST002"  # its schema
CONNECTING = (b'"57P0', b'"PGRST001"', b'"PGRST002"')
NO_RIGHT = "42501"
# Words of the API for "this is not served to you" other than a missing right: unknown to its schema cache.
UNKNOWN = "PGRST202"  # a function
UNSERVED = (UNKNOWN, "PGRST205", "42P01")


@dataclass(frozen=True)
class Actor:
    """Somebody who asks. `headers` hold secrets; `id` is the user's, empty for anon and service."""

    name: str
    headers: Mapping[str, str] = field(repr=False)
    id: str = ""


@dataclass(frozen=True)
class Request:
    """A REST request without who asks it. `path` is what follows /rest/v1/, percent-encoded."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    prefer: str = ""
    schema: str = ""
    media: str = "application/json"

    @property
    def url(self) -> str:
        return self.path + (f"?{urlencode(self.params, safe='*,().:-')}" if self.params else "")

    def curl(self, actor: str) -> str:
        """The same for a shell, with variables where secrets go."""
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
        found = {"Prefer": self.prefer} if self.prefer else {}
        if self.schema:
            found[self._profile] = self.schema
        if self.body is not None:
            found["Content-Type"] = self.media
        return found


@dataclass(frozen=True)
class Answer:
    """What the API said: status, SQLSTATE or PostgREST's code, decoded body, Content-Range; after how many seconds."""

    status: int
    body: Any
    range: str = ""
    seconds: float = 0

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) and self.status >= 400 else ""

    @property
    def rows(self) -> list[Any]:
        return self.body if isinstance(self.body, list) else []

    @property
    def refused(self) -> bool:
        """A missing right, a policy's refusal, or not served at all."""
        unknown = self.status == 404 and not self.code  # PostgREST 12 on a write to what its cache lacks
        return (self.status in (401, 403) and self.code == NO_RIGHT) or self.code in UNSERVED or unknown

    @property
    def touched(self) -> bool:
        """Whether an update found a row: Content-Range names it, also where nothing else comes back."""
        return not self.range.startswith("*")

    @property
    def words(self) -> str:
        """In one line, for people."""
        if self.code == CANCELED:
            return f"did not answer in {self.seconds:.0f} s"
        if self.status >= 400 and isinstance(self.body, dict):
            return f"{self.status} {self.code} {self.body.get('message', '')}".strip()
        if isinstance(self.body, list):
            total = self.range.rpartition("/")[2]
            said = f" of {total}" if total.isdecimal() else ""
            return f"{self.status}, {len(self.body)}{said} row{'' if len(self.body) == 1 and not said else 's'}"
        return f"{self.status}" + (f" {json.dumps(self.body)[:60]}" if self.body is not None else "")


class RestApi:
    """One REST API; its connections may be used by several threads at once."""

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
        self._give_up = give_up  # ends in the database what was not answered in time
        self._check = check  # raises where a service died, for which there is no use to wait

    @classmethod
    def of(cls, target: Target, check: Callable[[], None] = lambda: None) -> RestApi:
        """That of a target, through the proxy of the environment where it is not on this machine."""
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
        """A PostgREST of this target's database without a gateway, on a Unix socket."""
        import urllib3

        class Connection(urllib3.connection.HTTPConnection):
            def _new_conn(self) -> socket.socket:
                line = socket.socket(socket.AF_UNIX)
                line.settimeout(SECONDS)
                line.connect(str(path))
                return line

        pool = urllib3.HTTPConnectionPool("rest", **OPTIONS)
        pool.ConnectionCls = Connection
        return cls(pool, "", check, give_up=partial(_end_unanswered, target))

    def ask(self, actor: Actor, request: Request) -> Answer:
        """Send it; a rate limit is waited out within a bound. Raises UnreachableError.

        StackError or CredentialsError, too, for a token that another clock issued.
        """
        start = time.monotonic()
        believed = 0  # times that everything was up, and this request failed all the same
        while True:
            answer, response = self._send(actor, request)
            if response is None:
                return answer
            self._check_token(actor, answer, response.headers.get("date"))
            busy = response.status == UNAVAILABLE and any(code in response.data for code in CONNECTING)
            if busy and answer.seconds > SECONDS - 1:  # ended because of another that was not answered
                return Answer(504, {"code": CANCELED}, seconds=answer.seconds)
            patient = busy and time.monotonic() < start + PATIENT_SECONDS
            if busy and not patient:
                self._check()
                believed += answer.code != LOADING
            least = (0.02 if patient else 1) if busy else 0.1
            pause = pause_of(response.headers.get("retry-after"), least if busy else 1, least)
            late = time.monotonic() + pause > start + PATIENCE_SECONDS or believed >= ENOUGH
            if late or not (busy or is_rate_limit(response.status, response.data)):
                if response.status in NO_ANSWER and not (busy or answer.code):
                    raise self._unreachable(answer.words)
                return answer
            time.sleep(pause)

    def _send(self, actor: Actor, request: Request) -> tuple[Answer, urllib3.BaseHTTPResponse | None]:
        """The answer; without a response where it did not come in time, which is ended then."""
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
        place = response.headers.get("content-range", "")
        return Answer(
            status=response.status, body=_decoded(response.data), range=place, seconds=time.monotonic() - began
        ), response

    def _check_token(self, actor: Actor, answer: Answer, date: str | None) -> None:
        if answer.status == UNAUTHORIZED and (words := REFUSED.search(answer.words)):
            self._check()  # the secret key's token is known to the stack alone
            token = actor.headers.get("Authorization", "").removeprefix("Bearer ")
            server = f"the REST API{self._url and f' at {self._url}'}"
            raise token_refused(self._kind, server, actor.name, words=words[0], token=token, date=date)

    def _unreachable(self, words: str) -> UnreachableError:
        return UnreachableError(
            f"the REST API{self._url and f' at {self._url}'} does not answer: {words}",
            "check that it is up, then run this again",
        )


def _end_unanswered(target: Target) -> None:
    """On a remote target its own limits do it: others ask there as well."""
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
