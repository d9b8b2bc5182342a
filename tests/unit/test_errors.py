"""Errors: codes of their own, and what failures of the server and of libpq become."""

from __future__ import annotations

from typing import Any

import pytest

from pushproof.base import errors
from pushproof.base.errors import (
    CredentialsError,
    DiskFullError,
    PushproofError,
    SettingsError,
    SqlError,
    UnreachableError,
)
from pushproof.target.database import connection_error, sql_error
from pushproof.target.targets import Database, Target


def target(kind: str, host: str = "a.co") -> Target:
    """A target whose API does not answer."""
    return Target(kind, "http://127.0.0.1:9", "p", "s", Database(host, 5432, "postgres", "postgres", "hunter2"))


def test_every_kind_has_its_code() -> None:
    """No two kinds share a code, and none takes one that the shell or Python gives a meaning."""
    kinds: list[Any] = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, PushproofError)]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert all(0 < code < 126 for code in codes)


@pytest.mark.parametrize(
    ("sqlstate", "advice"),
    [
        ("42P01", "earlier migration"),
        ("42501", "no superuser"),
        ("23505", "find them"),
        ("23503", "find them"),
        ("42723", "create or replace function"),
        ("42P07", "dashboard"),
        ("57014", "statement_timeout"),
        ("25001", "of its own"),
        ("XX000", "errcodes-appendix"),
    ],
)
def test_advice_by_sqlstate(sqlstate: str, advice: str) -> None:
    """Where, what and SQLSTATE in one line; more lines of the message are details; there is always a remedy."""
    error = sql_error(sqlstate, "it failed\nand how", where="001_a.sql", details="LINE 1")
    assert isinstance(error, SqlError)
    assert error.message == f"001_a.sql: it failed (SQLSTATE {sqlstate})"
    assert advice in error.hint
    assert error.details == "and how\nLINE 1"


def test_full_disk_of_the_server() -> None:
    """A full disk is one, whoever says it."""
    assert isinstance(sql_error("53100", "could not extend file", where="x"), DiskFullError)
    assert isinstance(connection_error(target("remote"), "No space left on device"), DiskFullError)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ('password authentication failed for user "postgres"', CredentialsError),
        ("FATAL:  Tenant or user not found", CredentialsError),
        ("Connection refused", UnreachableError),
        ("could not translate host name", UnreachableError),
        ('FATAL:  database "nowhere" does not exist', SettingsError),
        ("FATAL:  sorry, too many clients already", UnreachableError),
    ],
)
@pytest.mark.parametrize("where", ["remote", "embedded"])
def test_failed_connections(words: str, kind: type[PushproofError], where: str) -> None:
    """Refused or not reached; the remedy is the target's own."""
    error = connection_error(target(where), words)
    assert type(error) is kind
    assert ("pushproof" in error.hint) is (where == "embedded")
    assert ("too many clients" in error.message) is ("too many clients" in words)
    assert "hunter2" not in error.message + error.hint + error.details


def test_direct_host() -> None:
    """The direct host is IPv6 only, which looks like a dead host from elsewhere."""
    error = connection_error(target("remote", "db.abc.supabase.co"), "Network is unreachable")
    assert "session pooler" in error.hint
