"""Rate limits are waited out within a bound, by every client that asks a project's API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import urllib3

from pushproof.boundary import boundary
from pushproof.proof import asking
from pushproof.proof.asking import OPTIONS, Actor, Request, RestApi
from pushproof.target import patience
from pushproof.target.api import pause_of
from pushproof.target.patience import http_client
from pushproof.target.targets import Database, Target
from pushproof.target.testusers import client


@dataclass
class Limiter:
    """A project that answers 429 to its first requests. `told`: the bodies that it was sent."""

    url: str = ""
    refusals: int = 0
    told: list[bytes] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return Target("remote", self.url, "publishable", "secret", Database("127.0.0.1", 1, "postgres", "postgres", ""))


@pytest.fixture
def limiter() -> Iterator[Limiter]:
    """It runs for one test."""
    made = Limiter()

    class Limited(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.told.append(self.rfile.read(int(self.headers["content-length"])))
            made.refusals -= 1
            self.send_response(429 if made.refusals >= 0 else 200)
            self.send_header("retry-after", "0")
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"code": "over_request_rate_limit", "msg": "too many", "user": null}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Limited) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()
        thread.join()


def test_supabase_clients_wait(limiter: Limiter) -> None:
    """The same request again, until it is taken."""
    limiter.refusals = 2
    with http_client(limiter.target) as http:
        assert http.post(f"{limiter.url}/auth/v1/token", json={"email": "a"}).status_code == 200
    assert limiter.told == [b'{"email":"a"}'] * 3


def test_cells_wait(limiter: Limiter) -> None:
    """So do the engine's requests."""
    limiter.refusals = 2
    answer = RestApi(urllib3.PoolManager(**OPTIONS), limiter.url).ask(
        Actor("anon", {}), Request("POST", "notes", body={"a": 1})
    )
    assert (answer.status, len(limiter.told)) == (200, 3)


def test_patience_ends(limiter: Limiter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A limit that does not let up is an answer, and at a sign-in an error of its own."""
    limiter.refusals = 99
    for module in (patience, asking):
        monkeypatch.setattr(module, "PATIENCE_SECONDS", -1)
    answer = RestApi(urllib3.PoolManager(**OPTIONS), limiter.url).ask(
        Actor("anon", {}), Request("POST", "notes", body={})
    )
    assert (answer.status, len(limiter.told)) == (429, 1)
    with pytest.raises(SystemExit), boundary(), http_client(limiter.target) as http:
        client(limiter.target, "key", http).auth.sign_in_with_password({"email": "a@example.com", "password": "b"})
    assert "ERROR Auth's rate limit is used up" in capsys.readouterr().err


@pytest.mark.parametrize(("header", "seconds"), [("3", 3), (None, 1), ("0", 0.1), ("Wed, 21 Oct 2026 07:28:00 GMT", 1)])
def test_what_an_answer_asks_for(header: str | None, seconds: float) -> None:
    """Seconds, but some time at least; a date is not computed with."""
    assert pause_of(header) == seconds
