"""Where tasks act: one word, embedded, local or remote, becomes one frozen Target."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from scripts.errors import SettingsError
from scripts.settings import Settings

PLACEHOLDER = re.compile(r"\[.*PASSWORD.*\]|<.*password.*>", re.IGNORECASE)
TRANSACTION_POOLER = 6543
WHERE = "Dashboard > Project Settings > API Keys"


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
        return {} if self.loopback else {"sslmode": "require"}

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
    """The target that `.env` describes. Raises SettingsError for a missing, swapped or malformed value."""
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
    check_keys(settings.publishable_key, settings.secret_key)
    return Target("remote", settings.url, settings.publishable_key, settings.secret_key, parse_db_url(settings))


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError("SUPABASE_URL is not an http(s) URL", "it looks like https://<ref>.supabase.co")
    if parts.path not in ("", "/"):
        raise SettingsError("SUPABASE_URL has a path", "leave out everything behind the host")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SettingsError("SUPABASE_URL is plain http: keys and passwords would travel readable", "use https://")


def check_keys(publishable: str, secret: str) -> None:
    """Raises SettingsError unless each key is what its name says; the message holds neither."""
    for name, value, wanted in (
        ("SUPABASE_SECRET_KEY", secret, "service_role"),
        ("SUPABASE_PUBLISHABLE_KEY", publishable, "anon"),
    ):
        role = key_role(value)
        if not role:
            raise SettingsError(f"{name} is not a Supabase API key", f"it starts with sb_ (or, legacy, eyJ): {WHERE}")
        if role != wanted:
            kind = "secret" if role == "service_role" else "publishable"
            raise SettingsError(f"{name} holds a {kind} key", f"swap the two keys: {WHERE}")


def key_role(key: str) -> str:
    """The role an API key stands for: anon or service_role; empty for anything else."""
    if key.startswith("sb_publishable_"):
        return "anon"
    if key.startswith("sb_secret_"):
        return "service_role"
    import jwt

    try:
        role = jwt.decode(key, options={"verify_signature": False}).get("role")
    except jwt.InvalidTokenError:
        return ""
    return role if role in ("anon", "service_role") else ""


def parse_db_url(settings: Settings) -> Database:
    """SUPABASE_DB_URL, taken apart. Raises SettingsError; the message never holds the URL."""
    hint = "copy it from the dashboard's Connect button (session pooler or direct connection)"
    try:
        parts = urlsplit(settings.db_url)
        port, host = parts.port or 5432, parts.hostname
    except ValueError:
        raise SettingsError(
            "SUPABASE_DB_URL cannot be read", f"percent-encode special characters of the password; or {hint}"
        ) from None
    if parts.scheme not in ("postgres", "postgresql") or not host or not parts.username:
        raise SettingsError("SUPABASE_DB_URL is not postgresql://user:password@host:port/database", hint)
    if port == TRANSACTION_POOLER:
        raise SettingsError(
            f"SUPABASE_DB_URL is the transaction pooler (port {TRANSACTION_POOLER}): "
            "it keeps no session, which migrations and locks need",
            "use the session pooler: the same host, port 5432",
        )
    password = unquote(parts.password or "") or settings.db_password
    if not password or PLACEHOLDER.fullmatch(password):
        raise SettingsError(
            "SUPABASE_DB_URL holds no password",
            "put the database password into it, percent-encoded, or set SUPABASE_DB_PASSWORD",
        )
    name = unquote(parts.path.lstrip("/")) or "postgres"
    return Database(host, port, name, unquote(parts.username), password, settings.db_ca)
