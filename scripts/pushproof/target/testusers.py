"""Test users: made for a run and removed at its end, or later by `pushproof sweep`.

A test user has the run's id both in its e-mail address and in its metadata. No other user is ever removed. The run's
file in the state folder shows whether the run is still alive or was interrupted.
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
SLOW = "no answer in time"  # from the Auth of the embedded stack
MARK = "pushproof_run"
ELSEWHERE = timedelta(hours=2)  # after which a run of another machine counts as over


@dataclass(frozen=True)
class TestRun:
    """One run of the tests, whose id is in each user that it makes."""

    __test__ = False  # not a test class, whatever its name

    id: str

    def email(self, actor: str) -> str:
        """The address of an actor's user."""
        return f"pushproof-{actor}-{self.id}@example.com"

    @property
    def metadata(self) -> dict[str, str]:
        """What marks a user as one of this run."""
        return {MARK: self.id}


def check_one_project(target: Target, state_dir: Path) -> None:
    """Raise SettingsError if the database of a remote target lacks a user of its Auth, so that they are two projects.

    A push would then go to one project and the proof to another. In a project without users one is made; if the project
    refuses users without certain metadata, nothing is checked.
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
            user = admin.auth.admin.create_user({"email": run.email("probe"), "user_metadata": run.metadata}).user
            try:
                _check_is_in(target, user.id)
            finally:
                admin.auth.admin.delete_user(user.id)


def _check_is_in(target: Target, user_id: str) -> None:
    with connect(target) as connection:
        row = connection.execute("select 1 from auth.users where id = %s", [user_id]).fetchone()
    if not row:
        raise SettingsError(
            "SUPABASE_URL and SUPABASE_DB_URL are two projects: a user of the first is not in the second",
            "copy both from one project's dashboard; an exported variable wins over .env",
        )


def make_room(state_dir: Path) -> None:
    """Make the folder of the runs' files. Raises OSError."""
    _runs(state_dir).mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def test_run(state_dir: Path, url: str) -> Iterator[TestRun]:
    """A run on the project at `url`. Its file exists from before its first user is made until its last is removed."""
    run = TestRun(secrets.token_hex(6))
    file = _runs(state_dir) / f"{run.id}.json"
    make_room(state_dir)
    Identity.own().note(file, url=url)
    yield run
    file.unlink(missing_ok=True)  # not in `finally`: `sweep` needs the file of an interrupted run


def marked_run(user: User) -> str | None:
    """The id of the run that made this user; None for other users. An anonymous user has the metadata only."""
    mark = str(user.user_metadata.get(MARK))
    if user.is_anonymous and RUN.fullmatch(mark):
        return mark
    match = EMAIL.match(user.email or "")
    return mark if match and mark == match["run"] else None


def client(target: Target, key: str, http: httpx.Client) -> Client:
    """A supabase-py client that uses `http`, which the caller closes."""
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
    """Make a user, by sign-up if the project confirms users at once, else by the admin API; its id and password.

    Raises CredentialsError if Auth or the database refuses.
    """
    from supabase_auth.errors import AuthApiError

    email, password = run.email(name), f"aA1!{secrets.token_urlsafe(24)}"  # the characters that a project may require
    metadata = {**(user_metadata or {}), **run.metadata}
    if _signs_up_at_once(target, http):
        visitor = client(target, target.publishable_key, http)
        try:
            user = visitor.auth.sign_up({"email": email, "password": password, "options": {"data": metadata}}).user
        except AuthApiError as refusal:
            if refusal.code != "email_address_invalid":  # hosted Auth may refuse addresses at example.com
                _explain(refusal, name)
                raise
        else:
            if user is None:
                raise CredentialsError("Auth created no user", "look at its sign-up settings")
            return user.id, password
    try:
        response = admin.auth.admin.create_user(
            {"email": email, "password": password, "email_confirm": True, "user_metadata": metadata}
        )
    except AuthApiError as refusal:
        _explain(refusal, name)
        raise
    return response.user.id, password


def _explain(refusal: AuthApiError, name: str) -> None:
    """Raise CredentialsError if the database refused. Auth does not say why; it is nearly always a trigger."""
    if SLOW in refusal.message:
        raise CredentialsError(
            f"the database did not answer in time for the new user {name}",
            "does a trigger on auth.users hang, or another session hold a lock? `pushproof monitor` shows what waits",
        ) from refusal
    if "Database error" in refusal.message:
        raise CredentialsError(
            f"the database refuses the new user {name} (Auth: {refusal.message})",
            "does a trigger on auth.users need metadata? Give it in supabase/access.toml, "
            f"as `user_metadata` of [actors.{name}]",
        ) from refusal


def sign_in(target: Target, http: httpx.Client, run: TestRun, name: str, password: str) -> Client:
    """A new client with the user signed in. Raises CredentialsError if the token lacks their id or role."""
    import jwt

    visitor = client(target, target.publishable_key, http)
    session = visitor.auth.sign_in_with_password({"email": run.email(name), "password": password}).session
    claims = jwt.decode(session.access_token, options={"verify_signature": False}) if session else {}
    if session is None or (claims.get("sub"), claims.get("role")) != (session.user.id, "authenticated"):
        raise CredentialsError(
            f"the token of {name} does not hold their id and role", "look at the project's Auth hooks"
        )
    return visitor


def _signs_up_at_once(target: Target, http: httpx.Client) -> bool:
    settings = http.get(f"{target.url}/auth/v1/settings", headers={"apikey": target.publishable_key}).json()
    return bool(settings.get("mailer_autoconfirm")) and not settings.get("disable_signup")


def all_users(admin: Client) -> Iterator[User]:
    """Every user of the project, page by page."""
    page = 1
    while users := admin.auth.admin.list_users(page=page, per_page=200):
        yield from users
        page += 1


def left_behind(admin: Client, state_dir: Path) -> list[User]:
    """Test users whose run is over: the process in its file has ended, or there is no file and they are old."""
    return [user for user in all_users(admin) if (run := marked_run(user)) and _is_over(run, user, state_dir)]


def _is_over(run: str, user: User, state_dir: Path) -> bool:
    file = _runs(state_dir) / f"{run}.json"
    if file.exists():
        return not lives(noted(file))
    return user.created_at < datetime.now(UTC) - ELSEWHERE


def forget_dead_runs(state_dir: Path, url: str) -> None:
    """Remove the files of runs on this project that are over. Called after their users are removed."""
    for file in _runs(state_dir).glob("*.json"):
        note = noted(file)
        if note.get("url") in (url, None) and not lives(note):
            file.unlink()


def _runs(state_dir: Path) -> Path:
    return state_dir / "runs"
