"""Actors: anon, alice and bob, who really signed in, and admin, who holds the secret key.

Users are made once a run and removed at its end, also after a failure or Ctrl-C; `invoke sweep`
removes those of a run that was killed.
"""

from __future__ import annotations

import secrets
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
from supabase_auth.errors import AuthApiError

from scripts.targets import Target
from scripts.testusers import TestRun, client, test_run
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
    with httpx.Client(timeout=30, trust_env=not target.database.loopback) as shared:  # no proxy for loopback
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
            password = f"aA1!{secrets.token_urlsafe(24)}"  # whatever characters the project asks for
            user_id = _sign_up(admin, run, name, password)
            cleanup.callback(admin.client.auth.admin.delete_user, user_id)
            made[name] = _sign_in(admin, name, run.email(name), password)
            assert made[name].id == user_id
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


def _sign_up(admin: Actor, run: TestRun, name: str, password: str) -> str:
    """A new user's id: signed up where the project takes that without a mail, else made by the admin."""
    email = run.email(name)
    if not _signs_up_at_once(admin):
        return _make(admin, run, email, password)
    visitor = client(admin.target, admin.target.publishable_key, admin.http)
    try:
        user = visitor.auth.sign_up({"email": email, "password": password, "options": {"data": run.metadata}}).user
    except AuthApiError as refusal:
        if refusal.code != "email_address_invalid":  # hosted Auth may take no address at example.com
            raise
        return _make(admin, run, email, password)
    assert user is not None
    return user.id


def _make(admin: Actor, run: TestRun, email: str, password: str) -> str:
    new = {"email": email, "password": password, "email_confirm": True, "user_metadata": run.metadata}
    return admin.client.auth.admin.create_user(new).user.id  # type: ignore[arg-type]


def _sign_in(admin: Actor, name: str, email: str, password: str) -> Actor:
    """Somebody whose token says who they are."""
    visitor = client(admin.target, admin.target.publishable_key, admin.http)
    session = visitor.auth.sign_in_with_password({"email": email, "password": password}).session
    assert session is not None
    actor = Actor(name, admin.target, admin.http, visitor, session.user.id, email)
    claims = jwt.decode(actor.token, options={"verify_signature": False})
    assert (claims["sub"], claims["role"]) == (actor.id, "authenticated")
    return actor


def _signs_up_at_once(admin: Actor) -> bool:
    headers = {"apikey": admin.target.publishable_key}
    settings = admin.http.get(f"{admin.target.url}/auth/v1/settings", headers=headers).json()
    return bool(settings.get("mailer_autoconfirm")) and not settings.get("disable_signup")
