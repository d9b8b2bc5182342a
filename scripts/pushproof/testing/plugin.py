"""A pytest plugin: the actors of a project's tests, on the target that the settings or `pushproof smoke` name.

anon, alice and bob, who really signed in, and admin, who holds the secret key. Users are made once a run and removed at
its end, also after a failure or Ctrl-C; `pushproof sweep` removes those of a run that was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx
    import psycopg

    from pushproof.stack.run import Run
    from pushproof.target.targets import Target
    from pushproof.testing.access import Access
    from pushproof.testing.actors import Actor

pytest.register_assert_rewrite("pushproof.testing.access")


@pytest.fixture(scope="session")
def pushproof_run(request: pytest.FixtureRequest) -> Run:
    """The run of `pushproof smoke`; under plain pytest, one on the target that the settings name."""
    from pushproof.stack.run import Run

    found: Run | None = getattr(request.config, "pushproof_run", None)
    return found or Run("", as_json=True)


@pytest.fixture(scope="session")
def target(pushproof_run: Run) -> Target:
    """Where the tests act: its URL, keys and database. The embedded stack is started for it."""
    return pushproof_run.target


@pytest.fixture(scope="session")
def state_dir(pushproof_run: Run) -> Path:
    """Where the run says that it lives."""
    return pushproof_run.settings.state_dir


@pytest.fixture(scope="session")
def http(target: Target) -> Iterator[httpx.Client]:
    """The connections of all clients."""
    from pushproof.target.patience import http_client

    with http_client(target) as shared:
        yield shared


@pytest.fixture(scope="session")
def admin(target: Target, http: httpx.Client) -> Actor:
    """The secret key, on a client that never signs in. Its role is what the database says it is."""
    from pushproof.target.testusers import client
    from pushproof.testing.actors import Actor

    return Actor("admin", target, http, client=client(target, target.secret_key, http))


@pytest.fixture(scope="session")
def anon(target: Target, http: httpx.Client) -> Actor:
    """The publishable key and nobody signed in."""
    from pushproof.target.testusers import client
    from pushproof.testing.actors import Actor

    return Actor("anon", target, http, client=client(target, target.publishable_key, http))


@pytest.fixture(scope="session")
def as_user(admin: Actor, state_dir: Path) -> Iterator[Callable[..., Actor]]:
    """`as_user("carol")`: a user of that name, lower-case letters, who signed up and in; asked again, the same one.

    `user_metadata` is what they sign up with. All are removed at the end, with the rows that refer to them.
    """
    from pushproof.base.interruptions import undisturbed
    from pushproof.proof.leftovers import refuse_stuck, remove_users
    from pushproof.target.testusers import sign_in, sign_up, test_run
    from pushproof.testing.actors import Actor

    made: dict[str, Actor] = {}
    ids: dict[str, str] = {}
    with test_run(state_dir, admin.target.url) as run:

        def user(name: str, user_metadata: Mapping[str, Any] | None = None) -> Actor:
            if name not in made:
                with undisturbed():  # nobody would remove a user whose id is not noted
                    user_id, password = sign_up(
                        admin.target, admin.client, admin.http, run=run, name=name, user_metadata=user_metadata
                    )
                    ids[user_id] = name
                visitor = sign_in(admin.target, admin.http, run, name=name, password=password)
                made[name] = Actor(name, admin.target, admin.http, client=visitor, id=user_id, email=run.email(name))
            return made[name]

        try:
            yield user
        finally:
            with undisturbed():
                stuck = remove_users(admin.target, admin.client, ids)[1]
            refuse_stuck(stuck)


@pytest.fixture(scope="session")
def alice(as_user: Callable[..., Actor]) -> Actor:
    """The owner."""
    return as_user("alice")


@pytest.fixture(scope="session")
def bob(as_user: Callable[..., Actor]) -> Actor:
    """Another signed-in user."""
    return as_user("bob")


@pytest.fixture(scope="session")
def access(alice: Actor, bob: Actor, anon: Actor, admin: Actor) -> Access:
    """The proofs: what alice may, bob and anon may not, and admin reads back."""
    from pushproof.testing.access import Access

    return Access(owner=alice, other=bob, anon=anon, admin=admin)


@pytest.fixture
def sql(target: Target) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The database as `postgres`, in a transaction that is rolled back."""
    from pushproof.target.database import connect

    with connect(target) as connection, connection.transaction(force_rollback=True):
        yield connection
