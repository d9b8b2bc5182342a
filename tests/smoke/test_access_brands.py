"""Who may do what with public.brands. Copy this file for a table of yours."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from pushproof.testing import Access, Actor

TABLE = "brands"
Row = dict[str, Any]


@pytest.fixture
def row(alice: Actor) -> Row:
    """A row of alice's."""
    made: Row = alice.table(TABLE).insert({"owner_id": alice.id, "name": "Row"}).execute().data[0]
    return made


def test_select(access: Access, row: Row) -> None:
    """Only the owner sees it."""
    access.only_owner_selects(TABLE, row)


def test_insert(access: Access, alice: Actor) -> None:
    """Nobody makes a row for another user."""
    name = f"brand {uuid.uuid4()}"
    access.only_owner_inserts(TABLE, {"owner_id": alice.id, "name": name}, {"name": name})


def test_update(access: Access, row: Row) -> None:
    """Only the owner changes it."""
    access.only_owner_updates(TABLE, row, {"name": "Renamed"})


def test_locked_columns(access: Access, bob: Actor, row: Row) -> None:
    """What it is and whose it is stay: it cannot be given away."""
    access.nobody_updates(TABLE, row, {"id": bob.id, "owner_id": bob.id})


def test_delete(access: Access, row: Row) -> None:
    """Only the owner deletes it."""
    access.only_owner_deletes(TABLE, row)
