"""Migrations that change roles, their settings and logins: they decide no verdict unseen, and a reset undoes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fix_stack import Project
from tests.rls.test_engine import NOTES, NOTES_ACCESS
from tests.tasks.answers import refuses, states, succeeds


@pytest.fixture(scope="module")
def notes(projects: Callable[..., Project]) -> Project:
    """A project of its own, because its roles are changed: one table, everything as declared."""
    project = projects(empty=True)
    project.write("migrations/001_notes.sql", NOTES)
    project.write("access.toml", NOTES_ACCESS)
    succeeds(project.invoke("push"))
    return project


@pytest.mark.parametrize(
    ("sql", "outcomes"),
    [
        ("alter role postgres set role = 'authenticated'", ["✓ rls"]),
        ("alter database postgres set default_transaction_isolation = 'serializable'", ["✓ rls"]),
        ("alter database postgres set default_transaction_read_only = on", ["in a read-only transaction"]),
        ("alter role authenticator nologin", ["PGRST000", "✓ rls"]),  # if the start of rls has set it right
        ("alter role authenticated bypassrls", ["✗ rls"]),
        ("grant service_role to authenticated", ["✗ rls"]),
        ("create role app nologin; grant app to authenticator", ["✓ rls"]),
        ("alter role authenticated rename to others", ['role "authenticated" does not exist']),
    ],
)
def test_what_a_migration_sets(notes: Project, sql: str, outcomes: list[str]) -> None:
    """The proof is right, or says what keeps it from asking; a reset without the file begins as on the first day."""
    file = notes.write("migrations/002_roles.sql", sql)
    try:
        succeeds(notes.invoke("push"))
        done = notes.invoke("rls", "--no-findings")
        assert any(text in done.output for text in outcomes), done.output
        assert "unexpected" not in done.output
    finally:
        file.unlink()
        succeeds(notes.invoke("reset-local"))
    assert notes.stack.has_new_roles()
    succeeds(notes.invoke("rls", "--no-findings"))


def test_a_time_limit_of_a_millisecond(notes: Project) -> None:
    """That of the role does not count: each connection of ours has its own."""
    file = notes.write("migrations/002_roles.sql", "alter role postgres set statement_timeout = '1ms'")
    try:
        succeeds(notes.invoke("push"))
        succeeds(notes.invoke("stop"))
        succeeds(notes.invoke("rls", "--no-findings"))
    finally:
        file.unlink()
        succeeds(notes.invoke("reset-local"))


@pytest.mark.parametrize(
    "sql",
    [
        "alter role authenticator connection limit 0",
        "alter role authenticator valid until '2020-01-01'",
        "alter database postgres connection limit 0",
        "revoke connect on database postgres from public",
    ],
)
def test_nobody_may_log_in(notes: Project, sql: str) -> None:
    """A start admits the stack's own roles again: nothing is damaged, and no row is lost."""
    file = notes.write("migrations/002_roles.sql", sql)
    try:
        notes.invoke("push")
        succeeds(notes.invoke("stop"))
        assert "they are set again" in succeeds(notes.invoke("start")).stderr
        assert states(notes) == {"001": "applied", "002": "applied"}
    finally:
        file.unlink()
        succeeds(notes.invoke("reset-local"))
    assert notes.stack.has_new_roles()


def test_a_reset_copies_nothing_after_a_change_of_roles(notes: Project) -> None:
    """A copy of the database would leave them as they are."""
    for _ in range(3):
        done = succeeds(notes.invoke("reset-local"))
    assert "copied" in done.stdout
    for sql in ("alter role authenticator set pgrst.db_max_rows = 5", "alter role anon bypassrls"):
        succeeds(notes.invoke("execute", "--sql", sql))
        assert not notes.stack.has_new_roles()
        assert "copied" not in succeeds(notes.invoke("reset-local")).stdout
        assert notes.stack.has_new_roles()


def test_resets_of_a_migration_that_makes_a_role(notes: Project) -> None:
    """Each begins without it; the third is copied, role and all."""
    file = notes.write("migrations/002_roles.sql", "create role app nologin; grant app to authenticator")
    try:
        copied = ["copied" in succeeds(notes.invoke("reset-local")).stdout for _ in range(3)]
        assert copied == [False, False, True]
        assert "role app " in notes.stack.roles()
    finally:
        file.unlink()


@pytest.mark.parametrize("sql", ["alter role anon bypassrls", "grant service_role to anon"])
def test_drift_shows_it(notes: Project, sql: str) -> None:
    """The worst that somebody can do in a dashboard."""
    succeeds(notes.invoke("reset-local"))
    succeeds(notes.invoke("execute", "--sql", sql))
    done = notes.invoke("drift")
    assert done.code == 1
    assert "role anon" in done.output
    succeeds(notes.invoke("reset-local"))


def test_another_password_of_postgres(notes: Project) -> None:
    """What the message advises helps."""
    file = notes.write("migrations/002_password.sql", "alter role postgres password 'another'")
    try:
        refuses(notes.invoke("push"), 16, "refuses the password of postgres", "`invoke stop` and `invoke start`")
        succeeds(notes.invoke("stop"))
        assert "they are set again" in succeeds(notes.invoke("start")).stderr
        assert states(notes) == {"001": "applied", "002": "applied"}
    finally:
        file.unlink()
