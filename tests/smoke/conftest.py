"""Alice's brand, session and messages. Everything goes when her user goes."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from pushproof.testing import Actor

Row = dict[str, Any]


@pytest.fixture(scope="session")
def brand(alice: Actor) -> Row:
    """A brand of alice's, made through the API."""
    row: Row = alice.table("brands").insert({"owner_id": alice.id, "name": "Acme"}).execute().data[0]
    return row


@pytest.fixture
def session(alice: Actor, brand: Row) -> Row:
    """A new session of alice's."""
    row: Row = alice.table("conversation_sessions").insert({"brand_id": brand["id"]}).execute().data[0]
    return row


@pytest.fixture
def message(alice: Actor, session: Row) -> Row:
    """A message in that session which cost something."""
    rows = alice.table("conversation_messages").insert(message_of(session, "assistant", cost_usd=0.25)).execute()
    row: Row = rows.data[0]
    return row


@pytest.fixture
def missing_id() -> str:
    """An id that no row has."""
    return str(uuid.uuid4())


def message_of(session: Row, role: str, **more: Any) -> Row:
    """A message as the application sends it."""
    owner = {"session_id": session["id"], "brand_id": session["brand_id"], "user_id": session["user_id"]}
    return {**owner, "role": role, "content": f"{role} says so", "tokens_used": 10, "provider": "openai", **more}
