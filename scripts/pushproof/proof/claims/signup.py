"""A trigger that trusts the metadata that users write at sign-up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pushproof.base.errors import PushproofError
from pushproof.proof.findings import REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.intent import SENSITIVE, ActorIntent
from pushproof.proof.records import Row
from pushproof.proof.samples import by_power, literals, user_columns
from pushproof.proof.scope import tables

RULES = frozenset(("signup_metadata",))
KEY = re.compile(r"key (\w+)$")
HIGHEST = {"bool": "true", "int2": "1000", "int4": "1000", "int8": "1000", "numeric": "1000"}


def judge(context: Context, _name: str, reports: Sequence[LinterReport]) -> Verdict:
    """A user signs up with the most powerful value of each sensitive key; the values then appear in their rows only."""
    keys = [m[1] for r in reports if (m := KEY.search(r.words)) and SENSITIVE.search(m[1])]
    if not keys:
        return Verdict(REFUTED, "none of the keys that it copies decides what a user may do")
    metadata = {key: _highest(context, key) for key in keys}
    entries = ", ".join(f"{key}: {value}" for key, value in metadata.items())
    request = 'curl -X POST "$SUPABASE_URL/auth/v1/signup" -H "apikey: $SUPABASE_PUBLISHABLE_KEY" …'
    try:
        user = context.actors.sign_up("claimant", ActorIntent("claimant", metadata)).id
        other = context.actors.sign_up("newcomer").id
    except PushproofError as refusal:
        return Verdict(UNPROVED, f"no user could sign up with {entries}: {refusal.message}", request)
    others = {(relation, column): value for relation, column, value in _sensitive(context, other)}
    for relation, column, value in _sensitive(context, user):
        if value in metadata.values() and others.get((relation, column)) != value:
            sentence = f"Anybody who signs up with {entries} in their metadata is given {column} {value} in {relation}"
            return Verdict.confirmed(
                sentence, request, f"{relation}.{column} = {value}", control="a new user without this metadata"
            )
    return Verdict(REFUTED, f"signing up with {entries} gives no user more", request)


def _highest(context: Context, key: str) -> str:
    """The most powerful value that a column of this name accepts."""
    for relation in tables(context.probe.catalog):
        if column := relation.by_name.get(key):
            checks = " ".join(c.definition for c in relation.checks if key in c.columns)
            if known := by_power([*column.labels, *literals(checks)], most=True):
                return known[0]
            return HIGHEST.get(column.base_type, "admin")
    return "admin"


def _sensitive(context: Context, user: str) -> Iterator[tuple[str, str, str]]:
    """The sensitive columns of a user's rows: (relation, column, value)."""
    for relation in tables(context.probe.catalog):
        for owner in user_columns(relation):
            row: Row = context.probe.rows.records.find(relation, {owner: user}) or {}
            for column in filter(SENSITIVE.search, row):
                yield relation.qualified, column, str(row[column]).lower() if row[column] is True else str(row[column])
