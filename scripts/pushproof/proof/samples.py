"""Sample values for columns, from their type, checks, labels and names."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pushproof.proof.catalog import USERS, Column, Relation
from pushproof.proof.intent import RelationIntent

LITERAL = re.compile(r"'((?:[^']|'')*)'")
ARRAY = re.compile(r"'\{([^{}]*)\}'::\w[\w ]*(?:\(\d+\))?\[\]")
ELEMENT = re.compile(r'"([^"]*)"|([^",]+)')
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
PATTERN = re.compile(r"~\*?\s*'((?:[^']|'')*)'")
POWER = re.compile(r"admin|owner|super|root|moderat|manage|staff|service|system", re.IGNORECASE)
ROLE = re.compile(r"role|level|rank|permission", re.IGNORECASE)
MEMBERS = re.compile(r"member|participant|collaborator|attendee|enrol|_users?$|staff|roles?$", re.IGNORECASE)
SAMPLES = 50  # texts generated for one pattern
UNUSUAL_TEXTS = (
    "a",
    "A1",
    "user@example.com",
    "https://example.com",
    "+15551234567",
    "2026-01-01",
    "sample-1",
    "en",
    "USD",
)


def candidates(column: Column, definition: str, new: Callable[[Column], Any]) -> Iterator[Any]:
    """Values to try: labels, values in the text of the check, then common ones; `new` makes one that no row has."""
    yield from by_power(column.labels, most=False)
    if not definition:
        yield new(column)
    yield from (text for pattern in PATTERN.findall(definition) for text in _matching(pattern.replace("''", "'")))
    yield from by_power(literals(definition), most=False)
    numbers = [float(n) if "." in n else int(n) for n in NUMBER.findall(LITERAL.sub("", definition))]
    if column.category == "N":
        yield from (v for n in (*numbers, 0, 1) for v in (n, n + 1, n - 1))
    elif column.category == "S":
        yield from ("x" * int(n) for n in numbers if 0 < n < 10_000)
        yield from UNUSUAL_TEXTS
    elif column.category == "B":
        yield from (True, False)
    yield new(column)


def literals(definition: str) -> list[str]:
    """The texts in the definition of a check, each element of a constant array included."""
    expanded = ARRAY.sub(lambda array: ELEMENT.sub(r"'\1\2'", array[1]), definition)
    return [text.replace("''", "'") for text in LITERAL.findall(expanded)]


def mark_column(relation: Relation, intent: RelationIntent) -> Column | None:
    """A column that accepts any value of its type, by which a row can be found; None if there is none."""
    taken = {c for key in relation.foreign_keys for c in key.columns} | {intent.owner}
    checked = {c for check in relation.checks for c in check.columns} | intent.sample.keys()
    for kinds in (("uuid",), ("text", "varchar", "citext"), ("jsonb",), ("timestamptz", "timestamp")):
        for column in relation.columns:
            free = column.name not in taken | checked and not column.generated
            insertable = column.open_to("authenticated", "insert") or not relation.open_to("authenticated", "insert")
            if free and insertable and column.base_type in kinds and (column.length or 99) > 20:
                return column
    return None


def user_columns(relation: Relation) -> set[str]:
    """The columns that refer to a user by a foreign key of their own."""
    return {k.columns[0] for k in relation.foreign_keys if k.target == USERS and len(k.columns) == 1}


def is_membership(relation: Relation) -> bool:
    """Whether its rows link users to rows of another relation, judged by its keys and its name."""
    users, foreign = user_columns(relation), {c for k in relation.foreign_keys for c in k.columns}
    paired = any(users & {*unique} and {*unique} - users and {*unique} <= foreign for unique in relation.uniques)
    return bool(users and foreign - users and (paired or MEMBERS.search(relation.name)))


def leading_role(relation: Relation, column: Column) -> str:
    """The most powerful role that the column of a membership accepts; empty for other columns, or if none is known."""
    if not is_membership(relation) or not ROLE.search(column.name):
        return ""
    checks = " ".join(c.definition for c in relation.checks if column.name in c.columns)
    known = by_power([*column.labels, *literals(checks)], most=True)
    return known[0] if known and POWER.search(known[0]) else ""


def by_power(labels: Iterable[str], *, most: bool) -> list[str]:
    """The labels, those whose names suggest power first (`most`) or last: a sample must not make an administrator."""
    return sorted(labels, key=lambda label: bool(POWER.search(label)) != most)


def _matching(pattern: str) -> list[str]:
    """Texts that match the pattern of a check; none if Python does not support the pattern."""
    import rstr

    try:
        return [rstr.xeger(pattern) for _ in range(SAMPLES)]
    except (re.error, KeyError, ValueError):
        return []


def argument_column(type_: str, labels: Sequence[str]) -> Column:
    """A column that stands for a function's argument of this type."""
    base, category = _BASE.get(type_, type_), _CATEGORY.get(type_, "S")
    return Column(
        name="",
        type=type_,
        base_type=base,
        category=category,
        length=None,
        required=True,
        filled=False,
        generated=False,
        default=None,
        labels=tuple(labels),
        rights=frozenset(),
    )


_BASE = {"boolean": "bool", "timestamp with time zone": "timestamptz", "character varying": "varchar"}
_CATEGORY = {
    **dict.fromkeys(("integer", "bigint", "smallint", "numeric", "real", "double precision"), "N"),
    **dict.fromkeys(("date", "timestamp with time zone", "timestamp without time zone"), "D"),
}


def of_type(column: Column, n: int, run: str) -> Any:
    """The n-th value for the column, different from all others if the type allows it; texts contain `run`."""
    if column.labels:
        return by_power(column.labels, most=False)[0]
    base = column.base_type
    simple: dict[str, Any] = {
        "uuid": str(uuid.uuid4()),
        "bool": True,
        "json": {"pushproof": f"{run}-{n}"},
        "jsonb": {"pushproof": f"{run}-{n}"},
        "bytea": f"\\x{n:08x}",
        "inet": "127.0.0.1",
        "cidr": "127.0.0.0/8",
        "macaddr": "08:00:2b:01:02:03",
        "interval": f"{n} seconds",
        "time": "12:00",
        "timetz": "12:00Z",
        "tsvector": "sample",
        "point": "(0,0)",
        "xml": "<a/>",
    }
    if base in simple:
        return simple[base]
    if base == "vector" and (size := NUMBER.search(column.type)):
        return json.dumps([0] * int(size[0]))
    if base.startswith("_"):
        element = replace(column, base_type=base[1:], category=_CATEGORY.get(column.type.removesuffix("[]"), "S"))
        return [of_type(element, n, run)]
    if column.category == "D":
        return datetime.now(UTC).isoformat()
    if column.category == "N":
        return n if base not in ("numeric", "float4", "float8") else 1
    if column.category == "R":
        return "empty"
    text = f"pushproof {run} {n}"
    return text[-column.length :] if column.length else text
