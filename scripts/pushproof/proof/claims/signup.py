"""A trigger that believes what people write about themselves at sign-up: somebody signs up with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pushproof.base.errors import PushproofError
from pushproof.proof.findings import CONFIRMED, REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.intent import TELLING, ActorIntent
from pushproof.proof.records import Row
from pushproof.proof.samples import by_power, literals, user_columns
from pushproof.proof.scope import tables

RULES = frozenset(("signup_metadata",))
KEY = re.compile(r"key (\w+)$")
BOLD = {"bool": "true", "int2": "1000", "int4": "1000", "int8": "1000", "numeric": "1000"}


def judge(context: Context, _name: str, reports: Sequence[LinterReport]) -> Verdict:
    """With the most powerful value that each telling key takes; what the new user's rows then say, and no other's."""
    keys = [m[1] for r in reports if (m := KEY.search(r.words)) and TELLING.search(m[1])]
    if not keys:
        return Verdict(REFUTED, "none of what it copies says what somebody may do")
    metadata = {key: _boldest(context, key) for key in keys}
    said = ", ".join(f"{key}: {value}" for key, value in metadata.items())
    request = 'curl -X POST "$SUPABASE_URL/auth/v1/signup" -H "apikey: $SUPABASE_PUBLISHABLE_KEY" …'
    try:
        user = context.actors.sign_up("claimant", ActorIntent("claimant", metadata)).id
        other = context.actors.sign_up("newcomer").id
    except PushproofError as refusal:
        return Verdict(UNPROVED, f"nobody could sign up with {said}: {refusal.message}", request)
    former = {(where, column): value for where, column, value in _told(context, other)}
    for where, column, value in _told(context, user):
        if value in metadata.values() and former.get((where, column)) != value:
            words = f"Anybody who signs up with {said} in their metadata is given {column} {value} in {where}"
            return Verdict(
                verdict=CONFIRMED,
                sentence=words,
                request=request,
                answer=f"{where}.{column} = {value}",
                control="a newcomer, who did not ask",
            )
    return Verdict(REFUTED, f"signing up with {said} gives nobody more", request)


def _boldest(context: Context, key: str) -> str:
    """The most powerful value that a column of this name takes."""
    for relation in tables(context.probe.catalog):
        if column := relation.by_name.get(key):
            checks = " ".join(c.definition for c in relation.checks if key in c.columns)
            if known := by_power([*column.labels, *literals(checks)], most=True):
                return known[0]
            return BOLD.get(column.base_type, "admin")
    return "admin"


def _told(context: Context, user: str) -> Iterator[tuple[str, str, str]]:
    """Of a user's rows, the columns that say what somebody may do: relation, column, value."""
    for relation in tables(context.probe.catalog):
        for owner in user_columns(relation):
            row: Row = context.probe.rows.records.find(relation, {owner: user}) or {}
            for column in filter(TELLING.search, row):
                yield relation.qualified, column, str(row[column]).lower() if row[column] is True else str(row[column])
