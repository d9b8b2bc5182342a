"""Proofs of access: each denial has a positive control, and each write is read back.

A denied update or delete is a silent 204, and a SELECT policy can hide a broken UPDATE policy. So writes ask for
`return=minimal`, and the row is read with the secret key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from postgrest.exceptions import APIError

if TYPE_CHECKING:
    from pushproof.testing.actors import Actor

Row = dict[str, Any]
DENIED = "42501"


def refused(call: Any, otherwise: str = "it was not refused") -> APIError:
    """Execute a request that the API must refuse; its error. Fails the test with the message `otherwise`."""
    try:
        call.execute()
    except APIError as refusal:
        return refusal
    pytest.fail(otherwise)


@dataclass(frozen=True)
class Access:
    """The actors of the proofs: the owner of a row, another user, anon, and admin, who reads back.

    Each method fails the test if the claim in its name does not hold.
    """

    owner: Actor
    other: Actor
    anon: Actor
    admin: Actor

    def row(self, table: str, row_id: str) -> Row | None:
        """The row as stored, read with the secret key; None if there is none."""
        rows: list[Row] = self.admin.table(table).select("*").eq("id", row_id).execute().data
        return rows[0] if rows else None

    def shut_to_anon(self, method: str, path: str, **options: Any) -> None:
        """anon gets 401 and 42501, not an empty list. `options` go to `Actor.request`."""
        answer = self.anon.request(method, path, **options)
        assert (answer.status_code, answer.json()["code"]) == (401, DENIED), answer.text

    def only_owner_selects(self, table: str, row: Row) -> None:
        """The owner sees the row, another user gets an empty list, anon is refused."""
        assert [r["id"] for r in self.owner.table(table).select("*").eq("id", row["id"]).execute().data] == [row["id"]]
        assert self.other.table(table).select("*").eq("id", row["id"]).execute().data == []
        self.shut_to_anon("GET", table, params={"id": f"eq.{row['id']}"})

    def only_owner_inserts(self, table: str, row: Row, match: Row) -> None:
        """Another user and anon may not insert the row, and nothing is stored; the owner may.

        `match` holds columns and values that identify the row.
        """
        assert refused(self.other.table(table).insert(row, returning="minimal")).code == DENIED
        self.shut_to_anon("POST", table, json=row)
        assert self._count(table, match) == 0
        self.owner.table(table).insert(row, returning="minimal").execute()
        assert self._count(table, match) == 1

    def only_owner_updates(self, table: str, row: Row, change: Row) -> None:
        """The change has no effect for another user and is refused to anon; the owner may make it."""
        self.other.table(table).update(change, returning="minimal").eq("id", row["id"]).execute()
        self.shut_to_anon("PATCH", f"{table}?id=eq.{row['id']}", json=change)
        assert self.row(table, row["id"]) == row
        self.owner.table(table).update(change, returning="minimal").eq("id", row["id"]).execute()
        after = self.row(table, row["id"])
        assert after is not None
        assert {k: after[k] for k in change} == change

    def nobody_updates(self, table: str, row: Row, changes: Row) -> None:
        """Even the owner may not change these columns: each change is refused, and the row is unchanged."""
        for column, value in changes.items():
            call = self.owner.table(table).update({column: value}, returning="minimal").eq("id", row["id"])
            assert refused(call, f"{column} was changed").code == DENIED, column
        assert self.row(table, row["id"]) == row

    def only_owner_deletes(self, table: str, row: Row) -> None:
        """A delete has no effect for another user and is refused to anon; the owner may delete the row."""
        self.other.table(table).delete(returning="minimal").eq("id", row["id"]).execute()
        self.shut_to_anon("DELETE", f"{table}?id=eq.{row['id']}")
        assert self.row(table, row["id"]) == row
        self.owner.table(table).delete(returning="minimal").eq("id", row["id"]).execute()
        assert self.row(table, row["id"]) is None

    def only_owner_sees_through(self, view: str, column: str, value: str) -> None:
        """The view shows the owner's rows, found by column and value, to the owner only; anon is refused."""
        assert self.owner.table(view).select("*").eq(column, value).execute().data
        assert self.other.table(view).select("*").eq(column, value).execute().data == []
        self.shut_to_anon("GET", view)

    def same_refusal(self, table: str, theirs: Row, missing: Row) -> None:
        """A reference to somebody else's row and one to a missing row get exactly the same refusal."""
        answers = [self.other.request("POST", table, json=row) for row in (theirs, missing)]
        assert [(a.status_code, a.json()) for a in answers[:1]] == [(a.status_code, a.json()) for a in answers[1:]]
        assert answers[0].status_code == 403
        assert answers[0].json()["code"] == DENIED

    def _count(self, table: str, match: Row) -> int:
        query = self.admin.table(table).select("*")
        for column, value in match.items():
            query = query.eq(column, value)
        return len(query.execute().data)
