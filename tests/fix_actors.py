"""Actors: anon, alice and bob, who really signed in, and admin, who holds the secret key.

Users are made once a run and removed at its end, also after a failure or Ctrl-C; `invoke sweep`
removes those of a run that was killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from supabase import Client

from scripts.patience import http_client
from scripts.process import undisturbed
from scripts.targets import Target
from scripts.testusers import client, sign_in, sign_up, test_run
from tests.access import Access


@dataclass(frozen=True)
class Actor:
    """Somebody with a client. `id` is a user's, empty for anon and admin."""

    name: str
    target: Target
    http: httpx.Client
    client: Client
    id: str = ""
    email: str = ""

    @cached_property
    def token(self) -> str:
        """The access token that the client sends, or else its key."""
        session = self.client.auth.get_session()
        return session.access_token if session else self.client.supabase_key

    def table(self, name: str) -> Any:
        """supabase-py's query builder, whose results are JSON of any shape."""
        return self.client.table(name)

    def rpc(self, function: str, arguments: dict[str, Any]) -> Any:
        """supabase-py's call of a function."""
        return self.client.rpc(function, arguments)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A REST request of this actor with everything visible: status, headers, body."""
        headers = {"apikey": self.client.supabase_key, "authorization": f"Bearer {self.token}"}
        return self.http.request(method, f"{self.target.url}/rest/v1/{path}", headers=headers, **more)


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """The target of `invoke smoke`; under plain pytest, the tests' own stack."""
    run = getattr(request.config, "pushproof_run", None)
    if run:
        found: Target = run.target
        return found
    own: Target = request.getfixturevalue("stack").target
    return own


@pytest.fixture(scope="session")
def state_dir(request: pytest.FixtureRequest) -> Path:
    """Where the run says that it lives."""
    run = getattr(request.config, "pushproof_run", None)
    folder: Path = (run or request.getfixturevalue("project")).settings.state_dir
    return folder


@pytest.fixture(scope="session")
def http(target: Target) -> Iterator[httpx.Client]:
    """The connections of all clients."""
    with http_client(target) as shared:
        yield shared


@pytest.fixture(scope="session")
def admin(target: Target, http: httpx.Client) -> Actor:
    """The secret key, on a client that never signs in. Its role is what the database says it is."""
    return Actor("admin", target, http, client(target, target.secret_key, http))


@pytest.fixture(scope="session")
def anon(target: Target, http: httpx.Client) -> Actor:
    """The publishable key and nobody signed in."""
    return Actor("anon", target, http, client(target, target.publishable_key, http))


@pytest.fixture(scope="session")
def users(admin: Actor, state_dir: Path) -> Iterator[dict[str, Actor]]:
    """alice and bob, signed up and in; removed at the end, their rows by cascade."""
    with test_run(state_dir, admin.target.url) as run, ExitStack() as cleanup:
        made = {}
        for name in ("alice", "bob"):
            with undisturbed():  # nobody would remove a user whose id is not noted
                user_id, password = sign_up(admin.target, admin.client, admin.http, run, name)
                cleanup.callback(admin.client.auth.admin.delete_user, user_id)
            visitor = sign_in(admin.target, admin.http, run, name, password)
            made[name] = Actor(name, admin.target, admin.http, visitor, user_id, run.email(name))
            assert jwt.decode(made[name].token, options={"verify_signature": False})["sub"] == user_id
        yield made


@pytest.fixture(scope="session")
def alice(users: dict[str, Actor]) -> Actor:
    """The owner."""
    return users["alice"]


@pytest.fixture(scope="session")
def bob(users: dict[str, Actor]) -> Actor:
    """Another signed-in user."""
    return users["bob"]


@pytest.fixture(scope="session")
def access(alice: Actor, bob: Actor, anon: Actor, admin: Actor) -> Access:
    """The proofs: what alice may, bob and anon may not, and admin reads back."""
    return Access(owner=alice, other=bob, anon=anon, admin=admin)
