"""Migrations that change the settings of roles and of the database: they decide no verdict, and a reset undoes them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pushproof.stack.role_settings import settings_of
from pushproof.target.database import connect
from tests.fix_stack import Project
from tests.tasks.answers import refuses, states, succeeds

NOTES = """
    create table public.notes (id uuid primary key default gen_random_uuid(),
      user_id uuid not null default auth.uid() references auth.users (id) on delete cascade, title text);
    alter table public.notes enable row level security;
    create policy own on public.notes to authenticated
      using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
    grant select, insert, update, delete on public.notes to authenticated, service_role;
"""
ACCESS = """
    [relations."public.notes"]
    owner = "user_id"
    select = ["owner", "service"]
    insert = ["owner", "service"]
    update = ["owner", "service"]
    delete = ["owner", "service"]
    columns = ["id", "title"]
    keys = ["id"]
"""


@pytest.fixture(scope="module")
def notes(projects: Callable[..., Project]) -> Project:
    """A project of its own, because its roles are changed: one table, everything as declared."""
    project = projects(empty=True)
    project.write("migrations/001_notes.sql", NOTES)
    project.write("access.toml", ACCESS)
    succeeds(project.invoke("push"))
    return project


def role_settings(project: Project) -> str:
    """What a reset has to restore."""
    with connect(project.stack.admin()) as admin:
        return settings_of(admin)


@pytest.mark.parametrize(
    ("sql", "outcomes"),
    [
        ("alter role postgres set role = 'authenticated'", ["✓ rls"]),
        ("alter database postgres set default_transaction_isolation = 'serializable'", ["✓ rls"]),
        ("alter database postgres set default_transaction_read_only = on", ["in a read-only transaction"]),
        ("alter role authenticator nologin", ["PGRST000", "✓ rls"]),  # if the start of rls has set it right
    ],
)
def test_what_a_migration_sets(notes: Project, sql: str, outcomes: list[str]) -> None:
    """The proof is right, or says what keeps it from asking; a reset without the file begins as on the first day."""
    before = role_settings(notes)
    file = notes.write("migrations/002_settings.sql", sql)
    try:
        succeeds(notes.invoke("push"))
        done = notes.invoke("rls", "--no-findings")
        assert any(text in done.output for text in outcomes), done.output
        assert "unexpected" not in done.output
    finally:
        file.unlink()
        succeeds(notes.invoke("reset-local"))
    assert role_settings(notes) == before
    succeeds(notes.invoke("rls", "--no-findings"))


def test_a_reset_copies_nothing_after_a_change_of_settings(notes: Project) -> None:
    """A copy of the database would leave them as they are."""
    for _ in range(3):
        done = succeeds(notes.invoke("reset-local"))
    assert "copied" in done.stdout
    succeeds(notes.invoke("execute", "--sql", "alter role authenticator set pgrst.db_max_rows = 5"))
    assert "copied" not in succeeds(notes.invoke("reset-local")).stdout
    assert "max_rows" not in role_settings(notes)


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
