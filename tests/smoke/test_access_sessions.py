"""Who may do what with public.conversation_sessions and the functions that act on them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from pushproof.testing import Access, Actor

TABLE = "conversation_sessions"
Row = dict[str, Any]


def test_select(access: Access, session: Row) -> None:
    """Only the owner sees it."""
    access.only_owner_selects(TABLE, session)


def test_insert(access: Access, alice: Actor, brand: Row) -> None:
    """Nobody opens a session for another user."""
    plan = str(uuid.uuid4())
    row = {"brand_id": brand["id"], "user_id": alice.id, "active_task_plan_id": plan}
    access.only_owner_inserts(TABLE, row, {"active_task_plan_id": plan})


def test_update(access: Access, session: Row) -> None:
    """Only the owner changes it."""
    access.only_owner_updates(TABLE, session, {"state": "planning", "parsed_intent": {"goal": "launch"}})


def test_locked_columns(access: Access, bob: Actor, session: Row) -> None:
    """What it is, whose it is and when it began stay."""
    foreign = dict.fromkeys(("id", "user_id", "brand_id"), bob.id)
    access.nobody_updates(TABLE, session, {**foreign, "created_at": "2020-01-01T00:00:00+00:00"})


def test_delete(access: Access, session: Row) -> None:
    """Only the owner deletes it."""
    access.only_owner_deletes(TABLE, session)


def test_a_strangers_brand_is_like_a_missing_one(access: Access, bob: Actor, brand: Row, missing_id: str) -> None:
    """bob learns nothing of alice's brand from a refusal; with a brand of his own he is served."""
    access.same_refusal(TABLE, {"brand_id": brand["id"]}, {"brand_id": missing_id})
    own = bob.table("brands").insert({"owner_id": bob.id, "name": "Bob's"}).execute().data[0]
    assert bob.table(TABLE).insert({"brand_id": own["id"]}).execute().data[0]["user_id"] == bob.id


def test_its_id_is_the_databases_to_choose(bob: Actor, alice: Actor, brand: Row, session: Row) -> None:
    """A taken id would answer otherwise than a free one: the column is refused, to its owner too."""
    for actor, wish in ((bob, session["id"]), (alice, str(uuid.uuid4()))):
        answer = actor.request("POST", TABLE, json={"id": wish, "brand_id": brand["id"]})
        assert (answer.status_code, answer.json()["code"]) == (403, "42501")


@pytest.mark.parametrize(
    ("function", "state"),
    [("complete_conversation_session", "delivered"), ("cancel_conversation_session", "cancelled")],
)
def test_ending(
    access: Access, bob: Actor, alice: Actor, session: Row, missing_id: str, function: str, state: str
) -> None:
    """To bob alice's session is as missing as a missing one: the same 404. Anon may not even call. Alice may."""
    answers = [bob.request("POST", f"rpc/{function}", json={"session_id": one}) for one in (session["id"], missing_id)]
    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["code"] == "PT404"
    access.shut_to_anon("POST", f"rpc/{function}", json={"session_id": session["id"]})
    assert access.row(TABLE, session["id"]) == session
    alice.rpc(function, {"session_id": session["id"]}).execute()
    ended = access.row(TABLE, session["id"])
    assert ended is not None
    assert ended["state"] == state


@pytest.mark.parametrize("function", ["update_session_activity", "update_session_on_message"])
def test_trigger_functions_are_not_served(alice: Actor, function: str) -> None:
    """A trigger function is no endpoint."""
    assert alice.request("POST", f"rpc/{function}", json={}).status_code == 404
