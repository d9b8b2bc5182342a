"""Targets of tasks: the embedded, the local or a remote project, as a frozen Target."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pushproof.base.errors import CredentialsError, SettingsError
from pushproof.base.settings import LAST_PORT, Settings
from pushproof.target.api import KEYS_PAGE

PLACEHOLDER = re.compile(r"\[[\w-]*PASSWORD\]|<[\w-]*password>", re.IGNORECASE)
TRANSACTION_POOLER = 6543
# RFC 3986, strictly: a password with an unescaped @, /, # or ? would be parsed as a host and sent to a name server.
_TEXT = r"(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
DB_URL = re.compile(
    rf"postgres(?:ql)?://(?P<user>{_TEXT}+)(?::(?P<password>(?:{_TEXT}|:)*))?@"
    rf"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(?P<port>\d{{1,5}}))?(?:/(?P<name>{_TEXT}*))?(?:\?(?:{_TEXT}|/)*)?",
    re.ASCII,
)
REFERENCE = "[a-z]{20}"


@dataclass(frozen=True)
class Database:
    """A database and its login. The password is in neither the repr nor the URL."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    ca: str = ""

    @property
    def loopback(self) -> bool:
        """Whether traffic to it stays on this machine."""
        return is_loopback(self.host)

    @property
    def label(self) -> str:
        """`host:port/name`, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{self.name}"

    @property
    def url(self) -> str:
        """The URL for argv, without the password, which goes to a child as PGPASSWORD."""
        return f"postgresql://{quote(self.user, safe='')}@{self.label}"

    @property
    def tls(self) -> dict[str, str]:
        """libpq's settings: TLS for hosts that are not on loopback, with a check of the CA if one is set."""
        if self.ca:
            return {"sslmode": "verify-full", "sslrootcert": self.ca}
        return {"sslmode": "disable" if self.loopback else "require"}

    @property
    def environment(self) -> dict[str, str]:
        """libpq's environment variables for a child."""
        return {
            "PGPASSWORD": self.password,
            **{f"PG{name.upper()}": value for name, value in self.tls.items()},
        }


@dataclass(frozen=True)
class Target:
    """A project: its kind (embedded, local or remote), its API with the two keys, and its database."""

    kind: str
    url: str
    publishable_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    database: Database

    @property
    def reference(self) -> str:
        """The reference of a hosted project (20 letters), else host and port."""
        host = urlsplit(self.url).netloc
        return host.partition(".")[0] if re.fullmatch(rf"{REFERENCE}\.supabase\.co", host) else host

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which another process uses this as its target `remote`. They hold secrets."""
        password = quote(self.database.password, safe="")
        return {
            "SUPABASE_URL": self.url,
            "SUPABASE_PUBLISHABLE_KEY": self.publishable_key,
            "SUPABASE_SECRET_KEY": self.secret_key,
            "SUPABASE_DB_URL": self.database.url.replace("@", f":{password}@", 1),
        }

    @property
    def label(self) -> str:
        """The description at the top of each run. It holds no secret."""
        return f"{self.kind} · {self.url} · {self.database.user}@{self.database.label}"


def is_loopback(host: str) -> bool:
    """Whether traffic to `host` stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def remote(settings: Settings) -> Target:
    """The target that `.env` describes. Raises SettingsError for a missing, swapped or malformed value,
    CredentialsError for an expired key.
    """
    required = {
        "SUPABASE_URL": settings.url,
        "SUPABASE_PUBLISHABLE_KEY": settings.publishable_key,
        "SUPABASE_SECRET_KEY": settings.secret_key,
        "SUPABASE_DB_URL": settings.db_url,
    }
    if missing := [name for name, value in required.items() if not value]:
        raise SettingsError(
            f"not set for the target remote: {', '.join(missing)}",
            "copy .env.example to .env: it says where to find each value",
        )
    _check_url(settings.url)
    check_key_kinds(settings.publishable_key, settings.secret_key)
    database = parse_db_url(settings)
    _check_same_project(settings.url, database)
    return Target(
        kind="remote",
        url=settings.url,
        publishable_key=settings.publishable_key,
        secret_key=settings.secret_key,
        database=database,
    )


def _check_same_project(url: str, database: Database) -> None:
    """Raise SettingsError if URL and database are two hosted projects: a push and the proof must use the same one."""
    api = re.fullmatch(rf"https://({REFERENCE})\.supabase\.co", url)
    direct = re.fullmatch(rf"db\.({REFERENCE})\.supabase\.co", database.host)
    db = direct or re.fullmatch(rf"\w+\.({REFERENCE})", database.user)
    if api and db and api[1] != db[1]:
        raise SettingsError(
            f"SUPABASE_URL is project {api[1]}, SUPABASE_DB_URL is project {db[1]}",
            "copy both from one project's dashboard; an exported variable wins over .env",
        )


def _check_url(url: str) -> None:
    form = "it looks like https://<ref>.supabase.co"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError("SUPABASE_URL cannot be read", form) from None
    if parts.scheme not in ("http", "https") or not host or not _is_host_name(host):
        raise SettingsError("SUPABASE_URL is not an http(s) URL", form)
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise SettingsError("SUPABASE_URL has more than scheme and host", f"remove the rest: {form}")
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError("SUPABASE_URL is plain http: keys and passwords would be sent unencrypted", "use https://")


def _is_host_name(host: str) -> bool:
    """Whether the name service accepts the length of each label."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def check_key_kinds(publishable: str, secret: str) -> None:
    """Raise SettingsError for a key of another kind than its name says, CredentialsError for an expired one.

    The message holds neither key.
    """
    for name, value, expected in (
        ("SUPABASE_SECRET_KEY", secret, "service_role"),
        ("SUPABASE_PUBLISHABLE_KEY", publishable, "anon"),
    ):
        role = key_role(value)
        if not role:
            raise SettingsError(
                f"{name} is not a Supabase API key", f"it starts with sb_ (or, legacy, eyJ): {KEYS_PAGE}"
            )
        if role != expected:
            kind = "secret" if role == "service_role" else "publishable"
            raise SettingsError(f"{name} holds a {kind} key", f"swap the two keys: {KEYS_PAGE}")
        if expired := key_expiry(value):
            raise CredentialsError(f"{name} is a legacy key that expired on {expired}", f"copy a new one: {KEYS_PAGE}")


def key_role(key: str) -> str:
    """The role of an API key: anon or service_role; empty for anything else."""
    if key.startswith("sb_publishable_"):
        return "anon"
    if key.startswith("sb_secret_"):
        return "service_role"
    role = _claims(key).get("role")
    return role if role in ("anon", "service_role") else ""


def key_expiry(key: str) -> str:
    """The date on which a legacy key expired; empty for a valid key and for keys that do not expire."""
    expiry = _claims(key).get("exp")
    if not isinstance(expiry, int) or expiry > datetime.now(UTC).timestamp():
        return ""
    return datetime.fromtimestamp(expiry, UTC).date().isoformat()


def _claims(key: str) -> dict[str, Any]:
    """The claims of a legacy key, which is a JWT; empty for other keys."""
    if not key.startswith("eyJ"):
        return {}
    import jwt

    try:
        return dict(jwt.decode(key, options={"verify_signature": False, "verify_exp": False}))
    except jwt.InvalidTokenError:
        return {}


def parse_db_url(settings: Settings) -> Database:
    """Parse SUPABASE_DB_URL. Raises SettingsError, whose message holds no part of the URL except the port."""
    if PLACEHOLDER.search(settings.db_url):
        raise _no_password()
    match = DB_URL.fullmatch(settings.db_url)
    valid = match and 0 < int(match["port"] or 5432) <= LAST_PORT and _is_host_name(match["host"])
    if not match or not valid or "%00" in settings.db_url:
        raise SettingsError(
            "SUPABASE_DB_URL is not postgresql://user:password@host:port/database",
            "percent-encode special characters of the password (@ as %40, / as %2F, # as %23, % as %25), or set it as "
            "SUPABASE_DB_PASSWORD; the URL is under the dashboard's Connect button",
        )
    port, host = int(match["port"] or 5432), match["host"].strip("[]").lower()
    if port == TRANSACTION_POOLER:
        raise SettingsError(
            f"SUPABASE_DB_URL is the transaction pooler (port {TRANSACTION_POOLER}): "
            "it keeps no session, but migrations and locks need one",
            "use the session pooler: the same host, port 5432",
        )
    password = unquote(match["password"] or "") or settings.db_password
    if not password:
        raise _no_password()
    return Database(
        host=host,
        port=port,
        name=unquote(match["name"] or "postgres"),
        user=unquote(match["user"]),
        password=password,
        ca=settings.db_ca,
    )


def _no_password() -> SettingsError:
    return SettingsError(
        "SUPABASE_DB_URL holds no password",
        "put the database password into it, percent-encoded, or set SUPABASE_DB_PASSWORD",
    )
