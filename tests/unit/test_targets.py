"""What `.env` may say of the target remote, and what it may not."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest

from pushproof.base import settings
from pushproof.base.errors import CredentialsError, SettingsError
from pushproof.target.targets import Target, remote

GOOD = {
    "SUPABASE_URL": "https://abc.supabase.co",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_hunter2",
    "SUPABASE_SECRET_KEY": "sb_secret_hunter2",
    "SUPABASE_DB_URL": "postgresql://postgres.abc:hunter2@pooler.supabase.com:5432/postgres",
}
NEVER = 4_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project."""
    (tmp_path / "supabase").mkdir()
    return tmp_path


def target(folder: Path, **wrong: str) -> Target:
    """The target of good settings but for these."""
    return remote(settings.load("remote", {**GOOD, "SUPABASE_WORKDIR": str(folder), **wrong}))


def legacy(role: str, expires: int = NEVER) -> str:
    """A key as projects had them."""
    return jwt.encode({"role": role, "exp": expires}, "a secret that has at least 32 bytes", "HS256")


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("SUPABASE_SECRET_KEY", "", "not set for the target remote: SUPABASE_SECRET_KEY"),
        ("SUPABASE_DB_URL", "", "not set for the target remote: SUPABASE_DB_URL"),
        ("SUPABASE_DB_CA", "nowhere.crt", "SUPABASE_DB_CA is not the path of a file"),
        ("SUPABASE_URL", "abc.supabase.co", "not an http"),
        ("SUPABASE_URL", "ftp://abc.supabase.co", "not an http"),
        ("SUPABASE_URL", "https://[::1", "cannot be read"),
        ("SUPABASE_URL", "https://abc.supabase.co:x", "cannot be read"),
        ("SUPABASE_URL", "https://abc.supabase.co/rest/v1", "more than scheme and host"),
        ("SUPABASE_URL", "https://abc.supabase.co?x=1", "more than scheme and host"),
        ("SUPABASE_URL", "http://abc.supabase.co", "plain http"),
        ("SUPABASE_SECRET_KEY", "sb_publishable_hunter2", "SUPABASE_SECRET_KEY holds a publishable key"),
        ("SUPABASE_PUBLISHABLE_KEY", "sb_secret_hunter2", "SUPABASE_PUBLISHABLE_KEY holds a secret key"),
        ("SUPABASE_SECRET_KEY", legacy("anon"), "SUPABASE_SECRET_KEY holds a publishable key"),
        ("SUPABASE_PUBLISHABLE_KEY", legacy("authenticated"), "SUPABASE_PUBLISHABLE_KEY is not a Supabase API key"),
        ("SUPABASE_SECRET_KEY", "hunter2", "SUPABASE_SECRET_KEY is not a Supabase API key"),
        ("SUPABASE_SECRET_KEY", "eyJhunter2", "SUPABASE_SECRET_KEY is not a Supabase API key"),
        ("SUPABASE_DB_URL", "postgresql://postgres:hunter2@a.co:6543/postgres", "transaction pooler"),
        ("SUPABASE_DB_URL", "postgresql://postgres:[YOUR-PASSWORD]@a.co:5432/postgres", "holds no password"),
        ("SUPABASE_DB_URL", "postgresql://postgres.abc:<password>@a.co:5432/postgres", "holds no password"),
        ("SUPABASE_DB_URL", "postgresql://postgres@a.co:5432/postgres", "holds no password"),
        *(
            ("SUPABASE_DB_URL", f"postgresql://postgres:{password}@a.co:5432/postgres", "is not postgresql://")
            for password in (
                "hunter2/#",
                "hunter2@2hunter",
                "hunter2@2hunter/",
                "hunter2@2hunter?a=b",
                "hunter2@2hunter#",
                "@hunter2",
                "hunter2/hunter2",
                "hunter2#hunter2",
                "hunter2?hunter2",
                "hunter2%",
                "hunter2%zz",
                "hunter2 hunter2",
                "hunter2[hunter2",
                "hunter2\\hunter2",
                "hunter2é",
            )
        ),
        ("SUPABASE_DB_URL", "postgresql://postgres:hunter2@a.co:99999/postgres", "is not postgresql://"),
        ("SUPABASE_DB_URL", "postgresql://postgres:hunter2@a.co:5432/a/b", "is not postgresql://"),
        ("SUPABASE_DB_URL", "postgresql://postgres%00:hunter2@a.co:5432/a", "is not postgresql://"),
        ("SUPABASE_DB_URL", "https://a.co", "is not postgresql://"),
        ("SUPABASE_DB_URL", "postgresql://:hunter2@a.co/postgres", "is not postgresql://"),
    ],
)
def test_refused(folder: Path, name: str, value: str, cause: str) -> None:
    """Named with its remedy; the value, which may be a secret, is not repeated."""
    with pytest.raises(SettingsError, match=cause) as caught:
        target(folder, **{name: value})
    assert caught.value.hint
    assert "hunter2" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("name", ["SUPABASE_SECRET_KEY", "SUPABASE_PUBLISHABLE_KEY"])
def test_expired_key(folder: Path, name: str) -> None:
    """An expired legacy key is a credential that no longer counts."""
    role = "service_role" if "SECRET" in name else "anon"
    with pytest.raises(CredentialsError, match=f"{name} is a legacy key that expired on 2001-09-09"):
        target(folder, **{name: legacy(role, 1_000_000_000)})


def test_accepted(folder: Path) -> None:
    """Loopback may be http, legacy keys do, an encoded password is decoded, one apart is taken."""
    found = target(
        folder,
        SUPABASE_URL="http://127.0.0.1:1/",
        SUPABASE_SECRET_KEY=legacy("service_role"),
        SUPABASE_PUBLISHABLE_KEY=legacy("anon"),
        SUPABASE_DB_URL="postgres://postgres.abc:p%40%2F%23@[::1]/",
    )
    database = found.database
    assert found.url == "http://127.0.0.1:1"
    assert (database.host, database.port, database.name) == ("::1", 5432, "postgres")
    assert (database.user, database.password) == ("postgres.abc", "p@/#")
    odd = target(folder, SUPABASE_DB_URL="postgresql://postgres:a:b!$&'()*+,;=~_.-@A.co/my%20db?sslmode=require")
    assert (odd.database.password, odd.database.host, odd.database.name) == ("a:b!$&'()*+,;=~_.-", "a.co", "my db")
    apart = target(folder, SUPABASE_DB_URL="postgresql://postgres@a.co/postgres", SUPABASE_DB_PASSWORD="hunter2")
    assert apart.database.password == "hunter2"


def test_secrets_do_not_show(folder: Path) -> None:
    """Neither in the repr, nor in the label, nor in the URL that goes into argv."""
    found = target(folder)
    assert "hunter2" not in repr(found) + found.label + found.database.url
    assert found.database.environment["PGPASSWORD"] == "hunter2"


def test_tls(folder: Path) -> None:
    """TLS is required off this machine, the server's name is checked where the CA is known."""
    assert target(folder).database.environment["PGSSLMODE"] == "require"
    certificate = folder / "ca.crt"
    certificate.touch()
    known = target(folder, SUPABASE_DB_CA="ca.crt").database.environment
    assert (known["PGSSLMODE"], known["PGSSLROOTCERT"]) == ("verify-full", str(certificate))
    here = target(folder, SUPABASE_DB_URL="postgresql://postgres:hunter2@localhost/postgres")
    assert here.database.environment["PGSSLMODE"] == "disable"


@pytest.mark.parametrize(
    ("host", "user"),
    [("db." + "b" * 20 + ".supabase.co", "postgres"), ("aws-0-x.pooler.supabase.com", "postgres." + "b" * 20)],
)
def test_one_project(folder: Path, host: str, user: str) -> None:
    """Migrations must not go into one project while access is proved on another."""
    both = {"SUPABASE_DB_URL": f"postgresql://{user}:hunter2@{host}:5432/postgres"}
    with pytest.raises(SettingsError, match=r"SUPABASE_URL is project a+, SUPABASE_DB_URL is project b+"):
        target(folder, SUPABASE_URL=f"https://{'a' * 20}.supabase.co", **both)
    assert target(folder, SUPABASE_URL=f"https://{'b' * 20}.supabase.co", **both).database.host == host
