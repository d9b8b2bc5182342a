"""A conversation from its brand to its end, as the application leads it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pushproof.testing import Actor
from tests.smoke.conftest import message_of

Row = dict[str, Any]


def test_a_session_starts_empty_and_is_its_makers(alice: Actor, session: Row) -> None:
    """Defaults: initial, nothing asked, nothing completed, the caller's."""
    assert session["user_id"] == alice.id
    assert (session["state"], session["completed_at"]) == ("initial", None)
    assert (session["parsed_intent"], session["pending_questions"], session["selected_kb_ids"]) == ({}, [], [])


def test_messages_come_back_newest_first(alice: Actor, session: Row) -> None:
    """History pages from the newest message, the limit is honoured and clamped."""
    sent = [message_of(session, role, content=f"{n}") for n, role in enumerate(["user", "assistant", "user"])]
    for row in sent:
        alice.table("conversation_messages").insert(row).execute()
    history = alice.rpc("get_conversation_history", {"p_session_id": session["id"]}).execute().data
    assert [m["content"] for m in history] == ["2", "1", "0"]
    assert set(history[0]) == {"id", "role", "content", "created_at", "tokens_used", "model_used"}
    newest = {"p_session_id": session["id"], "p_limit": 1}
    assert [m["content"] for m in alice.rpc("get_conversation_history", newest).execute().data] == ["2"]
    beyond_measure = {"p_session_id": session["id"], "p_limit": -5}
    assert 1 <= len(alice.rpc("get_conversation_history", beyond_measure).execute().data) <= 3


def test_a_message_needs_only_its_session(alice: Actor, session: Row) -> None:
    """Brand and user are filled in from the session."""
    bare = {"session_id": session["id"], "role": "user", "content": "hello"}
    stored = alice.table("conversation_messages").insert(bare).execute().data[0]
    assert (stored["brand_id"], stored["user_id"]) == (session["brand_id"], alice.id)


def test_cost_and_stats_add_up(alice: Actor, session: Row) -> None:
    """Cost is 0 without messages; stats are one row a role."""
    cost = {"p_session_id": session["id"]}
    assert alice.rpc("get_session_cost", cost).execute().data == 0
    rows = [message_of(session, "user"), *(message_of(session, "assistant", cost_usd=0.125) for _ in range(2))]
    alice.table("conversation_messages").insert(rows).execute()
    assert float(alice.rpc("get_session_cost", cost).execute().data) == 0.25
    stats = alice.rpc("get_session_message_stats", cost).execute().data
    assert {(s["role"], s["message_count"], s["total_tokens"], float(s["total_cost"])) for s in stats} == {
        ("user", 1, 10, 0.0),
        ("assistant", 2, 20, 0.25),
    }


def test_views_count_the_owners_messages(alice: Actor, message: Row) -> None:
    """Usage by provider and volume by day hold the message that was just written."""
    usage = alice.table("provider_usage_stats").select("*").eq("provider", "openai").execute().data
    assert usage[0]["request_count"] >= 1
    assert usage[0]["user_id"] == alice.id
    day = message["created_at"][:10]
    volume = alice.table("daily_message_volume").select("*").eq("date", day).execute().data
    assert volume[0]["assistant_messages"] >= 1
    assert volume[0]["message_count"] >= volume[0]["assistant_messages"]


def test_completing_sets_state_and_time(alice: Actor, session: Row) -> None:
    """complete_conversation_session delivers, and completed_at is set by it."""
    alice.rpc("complete_conversation_session", {"session_id": session["id"]}).execute()
    row = alice.table("conversation_sessions").select("*").eq("id", session["id"]).execute().data[0]
    assert row["state"] == "delivered"
    assert row["completed_at"] is not None


def test_cancelling_sets_state_and_time(alice: Actor, session: Row) -> None:
    """cancel_conversation_session cancels, and completed_at is set by it."""
    alice.rpc("cancel_conversation_session", {"session_id": session["id"]}).execute()
    row = alice.table("conversation_sessions").select("*").eq("id", session["id"]).execute().data[0]
    assert row["state"] == "cancelled"
    assert row["completed_at"] is not None


def test_completed_at_follows_the_state_however_it_changes(alice: Actor, brand: Row, session: Row) -> None:
    """PATCH to a final state sets it, PATCH back clears it, an insert in a final state has it."""
    sessions = alice.table("conversation_sessions")
    patched = sessions.update({"state": "delivered"}).eq("id", session["id"]).execute().data[0]
    assert patched["completed_at"] is not None
    reopened = sessions.update({"state": "gathering"}).eq("id", session["id"]).execute().data[0]
    assert reopened["completed_at"] is None
    born_done = sessions.insert({"brand_id": brand["id"], "state": "cancelled"}).execute().data[0]
    assert born_done["completed_at"] is not None


def test_a_message_touches_its_session(alice: Actor, session: Row) -> None:
    """last_activity_at moves with a new message, and never backwards for an old one."""

    def last_activity() -> datetime:
        row = alice.table("conversation_sessions").select("last_activity_at").eq("id", session["id"]).execute()
        return datetime.fromisoformat(row.data[0]["last_activity_at"])

    before = last_activity()
    alice.table("conversation_messages").insert(message_of(session, "user")).execute()
    touched = last_activity()
    assert touched > before
    old = message_of(session, "user", created_at="2020-01-01T00:00:00+00:00")
    alice.table("conversation_messages").insert(old).execute()
    assert last_activity() >= touched
