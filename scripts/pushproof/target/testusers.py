"""Test users: who they are, made once a run and removed at its end, also by `pushproof sweep` later.

A test user is known by two marks that must agree: the run's id in its e-mail address and in its
metadata. Nothing else is ever removed. The run's file in the state folder tells a living run from
one that was interrupted.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import CredentialsError, SettingsError
from pushproof.base.process import Identity, lives, noted
from pushproof.target.database import connect
from pushproof.target.targets import Target

if TYPE_CHECKING:
    import httpx
    from supabase import Client
    from supabase_auth.errors import AuthApiError
    from supabase_auth.types import User

EMAIL = re.compile(r"^pushproof-(?P<actor>[a-z]+)-(?P<run>[0-9a-f]{12})@example\.com$")
RUN = re.compile(r"[0-9a-f]{12}")
SLOW = "no answer in time"  # of the embedded stack's Auth
MARK = "pushproof_run"
ELSEWHERE = timedelta(hours=2)  # a run of another machine is taken for over by then


@dataclass(frozen=True)
class TestRun:
    """One run of the tests: its id, which every user it makes carries."""

    __test__ = False  # not a test class, whatever its name

    id: str

    def email(self, actor: str) -> str:
        return f"pushproof-{actor}-{self.id}@example.com"

    @property
    def metadata(self) -> dict[str, str]:
        return {MARK: self.id}


def check_one_project(target: Target, state_dir: Path) -> None:
    """Raises SettingsError unless a user of Auth's is in the database: URL and database of one project.

    Else migrations would go into one project while access is proved on another. It is asked of remote targets only. Of
    a project without users, one is made; where it refuses users without metadata of its own, nothing is known.
    """
    if target.kind != "remote":
        return
    from supabase_auth.errors import AuthApiError

    from pushproof.target.patience import http_client

    with http_client(target) as http:
        admin = client(target, target.secret_key, http)
        if users := admin.auth.admin.list_users(page=1, per_page=1):
            _check_is_in(target, users[0].id)
            return
        with test_run(state_dir, target.url) as run, contextlib.suppress(AuthApiError):
            made = admin.auth.admin.create_user({"email": run.email("probe"), "user_metadata": run.metadata}).user
            try:
                _check_is_in(target, made.id)
            finally:
                admin.auth.admin.delete_user(made.id)


def _check_is_in(target: Target, user_id: str) -> None:
    with connect(target) as connection:
        found = connection.execute("select 1 from auth.users where id = %s", [user_id]).fetchone()
    if not found:
        raise SettingsError(
            "SUPABASE_URL and SUPABASE_DB_URL are two projects: a user of the one is not in the other",
            "copy both from one project's dashboard; an exported variable wins over .env",
        )


def make_room(state_dir: Path) -> None:
    """The folder in which runs say that they live. Raises OSError."""
    _runs(state_dir).mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def test_run(state_dir: Path, url: str) -> Iterator[TestRun]:
    """A run on the project at `url`, with a file that says it lives, from before its first user to after its last."""
    run = TestRun(secrets.token_hex(6))
    file = _runs(state_dir) / f"{run.id}.json"
    make_room(state_dir)
    Identity.own().note(file, url=url)
    yield run
    file.unlink(missing_ok=True)  # not in a `finally`: an interrupted run leaves it for the sweep


def marked_run(user: User) -> str | None:
    """The run that made this user; None for anybody else. Who signed in anonymously has no address to agree."""
    mark = str(user.user_metadata.get(MARK))
    if user.is_anonymous and RUN.fullmatch(mark):
        return mark
    match = EMAIL.match(user.email or "")
    return mark if match and mark == match["run"] else None


def client(target: Target, key: str, http: httpx.Client) -> Client:
    """A supabase-py client over the caller's connections, which the caller closes."""
    from supabase import ClientOptions, create_client

    return create_client(target.url, key, ClientOptions(auto_refresh_token=False, httpx_client=http))


def sign_up(
    target: Target,
    admin: Client,
    http: httpx.Client,
    run: TestRun,
    name: str,
    user_metadata: Mapping[str, Any] | None = None,
) -> tuple[str, str]:
    """A new user's id and password: signed up where the project takes that without a mail, else made by the admin."""
    from supabase_auth.errors import AuthApiError

    email, password = run.email(name), f"aA1!{secrets.token_urlsafe(24)}"  # whatever characters the project asks for
    metadata = {**(user_metadata or {}), **run.metadata}
    if _signs_up_at_once(target, http):
        visitor = client(target, target.publishable_key, http)
        try:
            user = visitor.auth.sign_up({"email": email, "password": password, "options": {"data": metadata}}).user
        except AuthApiError as refusal:
            if refusal.code != "email_address_invalid":  # hosted Auth may take no address at example.com
                _explain(refusal, name)
                raise
        else:
            if user is None:
                raise CredentialsError("Auth created no user", "look at its sign-up settings")
            return user.id, password
    try:
        made = admin.auth.admin.create_user(
            {"email": email, "password": password, "email_confirm": True, "user_metadata": metadata}
        )
    except AuthApiError as refusal:
        _explain(refusal, name)
        raise
    return made.user.id, password


def _explain(refusal: AuthApiError, name: str) -> None:
    """Raise CredentialsError where the database refused. Auth does not say why: a trigger, as good as always."""
    if SLOW in refusal.message:
        raise CredentialsError(
            f"the database did not answer in time for the new user {name}",
            "does a trigger on auth.users not return, or another session hold it? `pushproof monitor` shows what waits",
        ) from refusal
    if "Database error" in refusal.message:
        raise CredentialsError(
            f"the database refuses the new user {name} (Auth: {refusal.message})",
            "does a trigger on auth.users need metadata? Give it in supabase/access.toml, "
            f"as `user_metadata` of [actors.{name}]",
        ) from refusal


def sign_in(target: Target, http: httpx.Client, run: TestRun, name: str, password: str) -> Client:
    """A client of its own on which the user signed in. Raises CredentialsError unless the token says who they are."""
    import jwt

    visitor = client(target, target.publishable_key, http)
    session = visitor.auth.sign_in_with_password({"email": run.email(name), "password": password}).session
    claims = jwt.decode(session.access_token, options={"verify_signature": False}) if session else {}
    if session is None or (claims.get("sub"), claims.get("role")) != (session.user.id, "authenticated"):
        raise CredentialsError(f"the token of {name} does not say who they are", "look at the project's Auth hooks")
    return visitor


def _signs_up_at_once(target: Target, http: httpx.Client) -> bool:
    answer = http.get(f"{target.url}/auth/v1/settings", headers={"apikey": target.publishable_key}).json()
    return bool(answer.get("mailer_autoconfirm")) and not answer.get("disable_signup")


def all_users(admin: Client) -> Iterator[User]:
    """Every user of the project, page by page."""
    page = 1
    while users := admin.auth.admin.list_users(page=page, per_page=200):
        yield from users
        page += 1


def left_behind(admin: Client, state_dir: Path) -> list[User]:
    """Test users whose run is over: its file names a process that is gone, or it is old enough."""
    return [user for user in all_users(admin) if (run := marked_run(user)) and _is_over(run, user, state_dir)]


def _is_over(run: str, user: User, state_dir: Path) -> bool:
    file = _runs(state_dir) / f"{run}.json"
    if file.exists():
        return not lives(noted(file))
    return user.created_at < datetime.now(UTC) - ELSEWHERE


def forget_dead_runs(state_dir: Path, url: str) -> None:
    """Remove the files of runs on this project that are over, once their users are swept."""
    for file in _runs(state_dir).glob("*.json"):
        note = noted(file)
        if note.get("url") in (url, None) and not lives(note):
            file.unlink()


def _runs(state_dir: Path) -> Path:
    return state_dir / "runs"
