"""Each migration can be undone: up, down and up again is one and the same schema."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from pushproof.migrations.drift import Description, describe

SUPABASE = Path(__file__).parents[2] / "supabase"
NAMES = sorted(path.name for path in (SUPABASE / "migrations").glob("*.sql"))


def catalog(connection: psycopg.Connection) -> Description:
    """Everything that a migration may make, as the server itself describes it."""
    return describe(connection)


def apply(connection: psycopg.Connection, folder: str, *names: str) -> None:
    for name in names:
        with connection.transaction():
            connection.execute((SUPABASE / folder / name).read_text())


def test_every_migration_has_its_rollback() -> None:
    """One each, of the same name, and no other."""
    assert sorted(path.name for path in (SUPABASE / "rollbacks").glob("*.sql")) == NAMES


def test_up_down_up(empty_database: psycopg.Connection) -> None:
    """After each rollback the schema is what it was before its migration; the second way up leads to the same place."""
    before = [catalog(empty_database)]
    for name in NAMES:
        apply(empty_database, "migrations", name)
        before.append(catalog(empty_database))
    top = before.pop()
    assert len(top.objects) > 80
    for name in reversed(NAMES):
        apply(empty_database, "rollbacks", name)
        assert catalog(empty_database) == before.pop(), name
    apply(empty_database, "migrations", *NAMES)
    assert catalog(empty_database) == top


@pytest.mark.parametrize(
    "brands",
    [
        pytest.param("id uuid primary key, owner_id uuid", id="bare"),
        pytest.param(
            "id uuid primary key, owner_id uuid, user_id uuid, brand_id uuid", id="with columns named as a session's"
        ),
        pytest.param(
            """id uuid primary key default gen_random_uuid(), slug varchar(3) not null unique, name text not null,
               owner_id uuid not null references auth.users (id), size integer not null, settings jsonb not null,
               tags text[] not null, since date not null, public boolean not null""",
            id="with required columns of its own",
        ),
    ],
)
def test_brands_that_exist_are_left_alone(empty_database: psycopg.Connection, brands: str) -> None:
    """Neither the migrations nor their rollbacks touch them, and the verification accepts them."""
    empty_database.execute(f"create table public.brands ({brands}); grant select on public.brands to authenticated")
    before = catalog(empty_database)
    apply(empty_database, "migrations", NAMES[0])
    assert catalog(empty_database) == before
    apply(empty_database, "migrations", *NAMES[1:])
    apply(empty_database, "rollbacks", *reversed(NAMES))
    assert catalog(empty_database) == before


@pytest.mark.parametrize(
    ("brands", "complaint"),
    [
        ("id uuid primary key", "without owner_id, of type uuid"),
        ("owner_id uuid", "without id, of type uuid"),
        ("name text", "without id, owner_id, of type uuid"),
        ("id bigint primary key, owner_id uuid", "without id, of type uuid"),
        ("id uuid primary key, owner_id text", "without owner_id, of type uuid"),
        ("id uuid, owner_id uuid", "its primary key is not id"),
        ("id uuid, owner_id uuid, primary key (id, owner_id)", "its primary key is not id"),
    ],
)
def test_unfit_brands_are_refused(empty_database: psycopg.Connection, brands: str, complaint: str) -> None:
    """With the column that is missing; nothing is changed."""
    empty_database.execute(f"create table public.brands ({brands})")
    before = catalog(empty_database)
    with pytest.raises(psycopg.Error, match=complaint):
        apply(empty_database, "migrations", NAMES[0])
    assert catalog(empty_database) == before


def test_rollback_keeps_sessions_from_losing_their_table(empty_database: psycopg.Connection) -> None:
    """Out of order a rollback fails rather than take what depends on it."""
    apply(empty_database, "migrations", *NAMES)
    before = catalog(empty_database)
    for name in NAMES[:2]:
        with pytest.raises(psycopg.errors.DependentObjectsStillExist):
            apply(empty_database, "rollbacks", name)
    assert catalog(empty_database) == before
