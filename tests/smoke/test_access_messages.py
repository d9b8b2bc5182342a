"""Who may do what with public.conversation_messages, its views and its functions."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from pushproof.testing import Access, Actor, refused
from tests.smoke.conftest import message_of

TABLE = "conversation_messages"
Row = dict[str, Any]


def test_select(access: Access, message: Row) -> None:
    """Only the owner sees it."""
    access.only_owner_selects(TABLE, message)


def test_insert(access: Access, session: Row) -> None:
    """Nobody writes into another user's session."""
    content = f"message {uuid.uuid4()}"
    access.only_owner_inserts(TABLE, message_of(session, "user", content=content), {"content": content})


def test_update(access: Access, message: Row) -> None:
    """Only the owner changes it."""
    access.only_owner_updates(TABLE, message, {"content": "edited", "action_taken": "responded"})


def test_locked_columns(access: Access, bob: Actor, message: Row) -> None:
    """What it is, whose it is, what it cost and when stay."""
    foreign = dict.fromkeys(("id", "user_id", "brand_id", "session_id"), bob.id)
    figures = {"cost_usd": 0, "tokens_used": 0, "created_at": "2020-01-01T00:00:00+00:00"}
    access.nobody_updates(TABLE, message, foreign | figures)


def test_delete(access: Access, message: Row) -> None:
    """Only the owner deletes it."""
    access.only_owner_deletes(TABLE, message)


def test_a_strangers_session_is_like_a_missing_one(access: Access, bob: Actor, session: Row, missing_id: str) -> None:
    """bob, writing as himself, learns nothing of alice's session from a refusal."""
    his = {"user_id": bob.id, "role": "user", "content": "hello", "brand_id": session["brand_id"]}
    access.same_refusal(TABLE, {**his, "session_id": session["id"]}, {**his, "session_id": missing_id})
    bare = {"role": "user", "content": "hello"}
    access.same_refusal(TABLE, {**bare, "session_id": session["id"]}, {**bare, "session_id": missing_id})


def test_brand_and_user_are_the_sessions_for_the_secret_key_too(
    alice: Actor, bob: Actor, admin: Actor, session: Row
) -> None:
    """service_role bypasses policies, not this: a message of another owner is refused, one of its own taken."""
    messages = admin.table(TABLE)
    for foreign in ({"user_id": bob.id}, {"brand_id": str(uuid.uuid4())}):
        row = {**message_of(session, "system"), **foreign}
        assert refused(messages.insert(row)).code == "23503"
    assert messages.insert(message_of(session, "system")).execute().data[0]["user_id"] == alice.id


@pytest.mark.parametrize("view", ["provider_usage_stats", "daily_message_volume"])
def test_views(access: Access, alice: Actor, message: Row, view: str) -> None:
    """A view shows nobody else's costs."""
    access.only_owner_sees_through(view, "user_id", message["user_id"])


@pytest.mark.parametrize(
    ("function", "nothing"),
    [("get_conversation_history", []), ("get_session_cost", 0), ("get_session_message_stats", [])],
)
def test_reading_functions(
    access: Access, alice: Actor, bob: Actor, message: Row, function: str, nothing: object
) -> None:
    """Of alice's session bob gets nothing and anon a refusal; alice gets something."""
    arguments = {"p_session_id": message["session_id"]}
    assert bob.rpc(function, arguments).execute().data == nothing
    access.shut_to_anon("POST", f"rpc/{function}", json=arguments)
    assert alice.rpc(function, arguments).execute().data != nothing
