"""The actors of a run: anon, service, and users who sign in once for all cells."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import FailedError
from pushproof.base.interruptions import undisturbed
from pushproof.proof.asking import Actor
from pushproof.proof.intent import ActorIntent
from pushproof.proof.leftovers import STUCK, remove_users
from pushproof.target import testusers
from pushproof.target.api import service_headers
from pushproof.target.testusers import TestRun, client, sign_in, test_run

if TYPE_CHECKING:
    import httpx
    from supabase import Client

    from pushproof.target.targets import Target

USERS = ("owner", "other")


class Actors:
    """The actors by name; claims may sign up further ones."""

    def __init__(self, target: Target, http: httpx.Client, run: TestRun) -> None:
        anon = {"apikey": target.publishable_key}
        self.by_name = {"anon": Actor("anon", anon), "service": Actor("service", service_headers(target))}
        self._target, self._http, self._run = target, http, run
        self._clients: dict[str, Client] = {}
        self._admin = client(target, target.secret_key, http)
        self._anonymous: tuple[Actor | None, str] | None = None
        self._made: list[str] = []

    def sign_up(self, name: str, intent: ActorIntent | None = None) -> Actor:
        """Sign up and sign in a user; a second call returns the same user."""
        if name not in self._clients:
            intent = intent or ActorIntent(name)
            with undisturbed():  # a user whose id is not recorded would never be removed
                made = testusers.sign_up(
                    self._target, self._admin, self._http, run=self._run, name=name, user_metadata=intent.user_metadata
                )
                user_id, password = made
                self._made.append(user_id)
            if intent.app_metadata:
                self._admin.auth.admin.update_user_by_id(user_id, {"app_metadata": dict(intent.app_metadata)})
            self._clients[name] = sign_in(self._target, self._http, self._run, name=name, password=password)
        return self._actor(name)

    def edit(self, actor: Actor, metadata: Mapping[str, Any]) -> Actor:
        """Let the user write this into their own metadata and get a new token."""
        visitor = self._clients[actor.name]
        visitor.auth.update_user({"data": dict(metadata)})
        visitor.auth.refresh_session()
        return self._actor(actor.name)

    def anonymous(self) -> tuple[Actor | None, str]:
        """A user who signed in anonymously, the same for all calls; None and Auth's message if Auth refuses."""
        if self._anonymous is None:
            from supabase_auth.errors import AuthError

            visitor = client(self._target, self._target.publishable_key, self._http)
            try:
                with undisturbed():
                    # Marked, so that a sweep can tell them from the project's users.
                    made = visitor.auth.sign_in_anonymously({"options": {"data": self._run.metadata}})
                    self._made += [made.user.id] if made.user else []
            except AuthError as refusal:
                self._anonymous = None, refusal.message
            else:
                self._clients["anonymous"] = visitor
                self._anonymous = self._actor("anonymous"), ""
        return self._anonymous

    def _actor(self, name: str) -> Actor:
        session = self._clients[name].auth.get_session()
        token, user = (session.access_token, session.user.id) if session else ("", "")
        return Actor(name, {**self.by_name["anon"].headers, "Authorization": f"Bearer {token}"}, user)

    def leave(self) -> list[str]:
        """Remove all users and their rows, also during signals; return those that Auth did not remove, with why."""
        with undisturbed():
            return remove_users(self._target, self._admin, {user: user for user in self._made})[1]


@contextlib.contextmanager
def signed_in(
    target: Target, state_dir: Path, defined: Mapping[str, ActorIntent], *, keep: bool = False
) -> Iterator[Actors]:
    """The owner, another user and those that the project defines, signed in; removed with their rows at the end.

    `keep` leaves them, for a target that is deleted afterwards. Raises FailedError if a user cannot be removed.
    """
    from pushproof.target.patience import http_client

    with (
        http_client(target) as http,
        test_run(state_dir, target.url) as run,
        contextlib.ExitStack() as cleanup,
    ):
        actors = Actors(target, http, run)
        stuck: list[str] = []
        if not keep:
            cleanup.callback(lambda: stuck.extend(actors.leave()))
        for name in (*USERS, *defined):
            actors.by_name[name] = actors.sign_up(name, defined.get(name))
        yield actors
        cleanup.close()
        if stuck:
            raise FailedError(f"cannot remove the test users {', '.join(stuck)}", f"{STUCK}, then `pushproof sweep`")
