"""Where tasks act: one word, embedded, local or remote, becomes one frozen Target."""

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
# RFC 3986 with nothing left open: a password with a bare @, /, # or ? would be taken for a host, and looked up.
_TEXT = r"(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
DB_URL = re.compile(
    rf"postgres(?:ql)?://(?P<user>{_TEXT}+)(?::(?P<password>(?:{_TEXT}|:)*))?@"
    rf"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(?P<port>\d{{1,5}}))?(?:/(?P<name>{_TEXT}*))?(?:\?(?:{_TEXT}|/)*)?",
    re.ASCII,
)
REFERENCE = "[a-z]{20}"


@dataclass(frozen=True)
class Database:
    """A database and who logs in. The password is in neither the repr nor the URL."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    ca: str = ""

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def label(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{self.name}"

    @property
    def url(self) -> str:
        """For argv: without the password, which goes to a child as PGPASSWORD."""
        return f"postgresql://{quote(self.user, safe='')}@{self.label}"

    @property
    def tls(self) -> dict[str, str]:
        """libpq's settings: TLS for whatever is not on loopback, and the CA checked where it is known."""
        if self.ca:
            return {"sslmode": "verify-full", "sslrootcert": self.ca}
        return {"sslmode": "disable" if self.loopback else "require"}

    @property
    def environment(self) -> dict[str, str]:
        """For a child that uses libpq's variables."""
        return {
            "PGPASSWORD": self.password,
            **{f"PG{name.upper()}": value for name, value in self.tls.items()},
        }


@dataclass(frozen=True)
class Target:
    """A project: its API with the two keys, and its database."""

    kind: str
    url: str
    publishable_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    database: Database

    @property
    def reference(self) -> str:
        """What names the project: a hosted one's twenty letters, or else host and port."""
        host = urlsplit(self.url).netloc
        return host.partition(".")[0] if re.fullmatch(rf"{REFERENCE}\.supabase\.co", host) else host

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which another process reaches it as its target `remote`; they hold secrets."""
        password = quote(self.database.password, safe="")
        return {
            "SUPABASE_URL": self.url,
            "SUPABASE_PUBLISHABLE_KEY": self.publishable_key,
            "SUPABASE_SECRET_KEY": self.secret_key,
            "SUPABASE_DB_URL": self.database.url.replace("@", f":{password}@", 1),
        }

    @property
    def label(self) -> str:
        """For the top of every run: never a secret."""
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
    wanted = {
        "SUPABASE_URL": settings.url,
        "SUPABASE_PUBLISHABLE_KEY": settings.publishable_key,
        "SUPABASE_SECRET_KEY": settings.secret_key,
        "SUPABASE_DB_URL": settings.db_url,
    }
    if missing := [name for name, value in wanted.items() if not value]:
        raise SettingsError(
            f"not set for the target remote: {', '.join(missing)}",
            "copy .env.example to .env, which says where each value is found",
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
    """Migrations must not go into one hosted project while access is proved on another."""
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
        raise SettingsError("SUPABASE_URL is more than scheme and host", f"leave out the rest: {form}")
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError("SUPABASE_URL is plain http: keys and passwords would travel readable", "use https://")


def _is_host_name(host: str) -> bool:
    """Whether each of its labels has a length that the name service takes."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def check_key_kinds(publishable: str, secret: str) -> None:
    """Raises SettingsError unless each key is what its name says, CredentialsError for an expired one.

    The message holds neither key.
    """
    for name, value, wanted in (
        ("SUPABASE_SECRET_KEY", secret, "service_role"),
        ("SUPABASE_PUBLISHABLE_KEY", publishable, "anon"),
    ):
        role = key_role(value)
        if not role:
            raise SettingsError(
                f"{name} is not a Supabase API key", f"it starts with sb_ (or, legacy, eyJ): {KEYS_PAGE}"
            )
        if role != wanted:
            kind = "secret" if role == "service_role" else "publishable"
            raise SettingsError(f"{name} holds a {kind} key", f"swap the two keys: {KEYS_PAGE}")
        if expired := key_expiry(value):
            raise CredentialsError(f"{name} is a legacy key that expired on {expired}", f"copy a new one: {KEYS_PAGE}")


def key_role(key: str) -> str:
    """The role an API key stands for: anon or service_role; empty for anything else."""
    if key.startswith("sb_publishable_"):
        return "anon"
    if key.startswith("sb_secret_"):
        return "service_role"
    role = _claims(key).get("role")
    return role if role in ("anon", "service_role") else ""


def key_expiry(key: str) -> str:
    """The date on which a legacy key expired; empty while it is good, and for keys that do not expire."""
    expiry = _claims(key).get("exp")
    if not isinstance(expiry, int) or expiry > datetime.now(UTC).timestamp():
        return ""
    return datetime.fromtimestamp(expiry, UTC).date().isoformat()


def _claims(key: str) -> dict[str, Any]:
    """What a legacy key, a JWT, says of itself; nothing for the others."""
    if not key.startswith("eyJ"):
        return {}
    import jwt

    try:
        return dict(jwt.decode(key, options={"verify_signature": False, "verify_exp": False}))
    except jwt.InvalidTokenError:
        return {}


def parse_db_url(settings: Settings) -> Database:
    """SUPABASE_DB_URL, taken apart. Raises SettingsError, whose message holds no part of the URL but the port."""
    if PLACEHOLDER.search(settings.db_url):
        raise _no_password()
    found = DB_URL.fullmatch(settings.db_url)
    sane = found and 0 < int(found["port"] or 5432) <= LAST_PORT and _is_host_name(found["host"])
    if not found or not sane or "%00" in settings.db_url:
        raise SettingsError(
            "SUPABASE_DB_URL is not postgresql://user:password@host:port/database",
            "percent-encode special characters of the password (@ as %40, / as %2F, # as %23, % as %25), or give it as "
            "SUPABASE_DB_PASSWORD; the URL is under the dashboard's Connect button",
        )
    port, host = int(found["port"] or 5432), found["host"].strip("[]").lower()
    if port == TRANSACTION_POOLER:
        raise SettingsError(
            f"SUPABASE_DB_URL is the transaction pooler (port {TRANSACTION_POOLER}): "
            "it keeps no session, which migrations and locks need",
            "use the session pooler: the same host, port 5432",
        )
    password = unquote(found["password"] or "") or settings.db_password
    if not password:
        raise _no_password()
    return Database(
        host=host,
        port=port,
        name=unquote(found["name"] or "postgres"),
        user=unquote(found["user"]),
        password=password,
        ca=settings.db_ca,
    )


def _no_password() -> SettingsError:
    return SettingsError(
        "SUPABASE_DB_URL holds no password",
        "put the database password into it, percent-encoded, or set SUPABASE_DB_PASSWORD",
    )
