"""The actors of a run: anon, service, and users who sign in once, whatever the number of cells."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.api import service_headers
from scripts.rls.asking import Actor
from scripts.rls.intent import ActorIntent
from scripts.testusers import client, sign_in, sign_up, test_run

if TYPE_CHECKING:
    from scripts.targets import Target

USERS = ("owner", "other")


@contextlib.contextmanager
def signed_in(
    target: Target, state_dir: Path, defined: Mapping[str, ActorIntent], *, keep: bool = False
) -> Iterator[dict[str, Actor]]:
    """Actors by name; the users among them are removed at the end, their rows by cascade.

    `keep` leaves them: the whole target is about to go.
    """
    import httpx

    anon = {"apikey": target.publishable_key}
    actors = {"anon": Actor("anon", anon), "service": Actor("service", service_headers(target))}
    with (
        httpx.Client(timeout=30, trust_env=not target.database.loopback) as http,
        test_run(state_dir, target.url) as run,
        contextlib.ExitStack() as cleanup,
    ):
        admin = client(target, target.secret_key, http)
        for name in (*USERS, *defined):
            intent = defined.get(name, ActorIntent(name))
            user_id, password = sign_up(target, admin, http, run, name, intent.user_metadata)
            if not keep:
                cleanup.callback(admin.auth.admin.delete_user, user_id)
            if intent.app_metadata:
                admin.auth.admin.update_user_by_id(user_id, {"app_metadata": dict(intent.app_metadata)})
            session = sign_in(target, http, run, name, password).auth.get_session()
            token = session.access_token if session else ""
            actors[name] = Actor(name, {**anon, "Authorization": f"Bearer {token}"}, user_id)
        yield actors
