"""A pytest plugin: the actors of a project's tests, on the target that the settings or `pushproof smoke` name.

The actors are anon, alice and bob, who really signed in, and admin, who holds the secret key. Users are created once a
run and removed at its end, also after a failure or Ctrl-C; `pushproof sweep` removes those of a run that was killed.
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
    """The run of `pushproof smoke`; with plain pytest, a run on the target that the settings name."""
    from pushproof.stack.run import Run

    run: Run | None = getattr(request.config, "pushproof_run", None)
    return run or Run("", as_json=True)


@pytest.fixture(scope="session")
def target(pushproof_run: Run) -> Target:
    """The target of the tests: its URL, keys and database. Starts the embedded stack if that is the target."""
    return pushproof_run.target


@pytest.fixture(scope="session")
def state_dir(pushproof_run: Run) -> Path:
    """The folder where the run records that it is alive."""
    return pushproof_run.settings.state_dir


@pytest.fixture(scope="session")
def http(target: Target) -> Iterator[httpx.Client]:
    """The HTTP connections that all clients share."""
    from pushproof.target.patience import http_client

    with http_client(target) as shared:
        yield shared


@pytest.fixture(scope="session")
def admin(target: Target, http: httpx.Client) -> Actor:
    """The holder of the secret key, on a client that never signs in. The target decides its role."""
    from pushproof.target.testusers import client
    from pushproof.testing.actors import Actor

    return Actor("admin", target, http, client=client(target, target.secret_key, http))


@pytest.fixture(scope="session")
def anon(target: Target, http: httpx.Client) -> Actor:
    """The holder of the publishable key, without a signed-in user."""
    from pushproof.target.testusers import client
    from pushproof.testing.actors import Actor

    return Actor("anon", target, http, client=client(target, target.publishable_key, http))


@pytest.fixture(scope="session")
def as_user(admin: Actor, state_dir: Path) -> Iterator[Callable[..., Actor]]:
    """`as_user("carol")`: a user of that name (lower-case letters) who signed up and in; the same one for each call.

    `as_user(name, user_metadata={...})` signs up with metadata. All users are removed at the end, with the rows that
    refer to them.
    """
    from pushproof.base.interruptions import undisturbed
    from pushproof.proof.leftovers import refuse_stuck, remove_users
    from pushproof.target.testusers import sign_in, sign_up, test_run
    from pushproof.testing.actors import Actor

    actors: dict[str, Actor] = {}
    ids: dict[str, str] = {}
    with test_run(state_dir, admin.target.url) as run:

        def user(name: str, user_metadata: Mapping[str, Any] | None = None) -> Actor:
            if name not in actors:
                with undisturbed():  # or a user could stay whose id is not recorded
                    user_id, password = sign_up(
                        admin.target, admin.client, admin.http, run=run, name=name, user_metadata=user_metadata
                    )
                    ids[user_id] = name
                session = sign_in(admin.target, admin.http, run, name=name, password=password)
                actors[name] = Actor(name, admin.target, admin.http, client=session, id=user_id, email=run.email(name))
            return actors[name]

        try:
            yield user
        finally:
            with undisturbed():
                stuck = remove_users(admin.target, admin.client, ids)[1]
            refuse_stuck(stuck)


@pytest.fixture(scope="session")
def alice(as_user: Callable[..., Actor]) -> Actor:
    """The owner: a signed-in user."""
    return as_user("alice")


@pytest.fixture(scope="session")
def bob(as_user: Callable[..., Actor]) -> Actor:
    """Another signed-in user."""
    return as_user("bob")


@pytest.fixture(scope="session")
def access(alice: Actor, bob: Actor, anon: Actor, admin: Actor) -> Access:
    """Proofs that alice may do what bob and anon may not; admin reads back."""
    from pushproof.testing.access import Access

    return Access(owner=alice, other=bob, anon=anon, admin=admin)


@pytest.fixture
def sql(target: Target) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to the database as `postgres`, in a transaction that is rolled back."""
    from pushproof.target.database import connect

    with connect(target) as connection, connection.transaction(force_rollback=True):
        yield connection
