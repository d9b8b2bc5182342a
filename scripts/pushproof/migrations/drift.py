"""Describe the objects of a database, and find how two databases differ.

Each query in the folder catalog describes one kind of object with the functions of the server.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import psycopg

from pushproof.base.resources import resource

FOLDER = resource(__package__, "catalog")
Key = tuple[str, str]  # kind and object: ("policy", "public.notes notes_select")
LINKS = ("of", "from")
SIGNS = {"missing": "-", "extra": "+", "different": "~"}
DIFF_LINES, CONTEXT = 20, 2
GRANTED = "granted to "  # begins the name of a property whose value lists privileges
MAINTAIN_SINCE = 17  # https://www.postgresql.org/docs/17/release-17.html: the privilege MAINTAIN


@dataclass(frozen=True)
class Description:
    """A database at one moment: the properties of each object, and the major version of its server.

    The properties in LINKS name another object: `of` the one that this one is part of (`table public.notes`), `from`
    the one that a partition's column, constraint or index comes from. Servers of two major versions may write the same
    view or expression differently.
    """

    version: int
    objects: dict[Key, dict[str, str]]


@dataclass(frozen=True)
class Change:
    """A property that differs. A side without it has None."""

    property: str
    expected: str | None
    found: str | None


@dataclass(frozen=True)
class Difference:
    """An object that is `missing`, `extra` (not expected), or `different` in some properties."""

    kind: str
    object: str
    what: Literal["missing", "extra", "different"]
    changes: tuple[Change, ...] = ()


def own_schemas(connection: psycopg.Connection[Any]) -> list[str]:
    """The schemas that belong neither to PostgreSQL nor to Supabase nor to an extension."""
    return [row[0] for row in connection.execute(_sql("_own_schemas")).fetchall()]


def describe(connection: psycopg.Connection[Any], schemas: Sequence[str] = ()) -> Description:
    """Describe the objects in these schemas, by default in the project's own, and those that migrations make elsewhere.

    The latter are policies and triggers on tables of auth, storage and realtime, extensions, publications, event
    triggers, servers and default privileges. Reading them needs no privileges. Raises psycopg.Error.
    """
    with connection.transaction():
        connection.execute(_sql("_settings"))
        rows = connection.execute(_statement(), {"schemas": list(schemas or own_schemas(connection))}).fetchall()
    objects: dict[Key, dict[str, str]] = {}
    for kind, name, attribute, value in rows:
        objects.setdefault((kind, name), {})[attribute] = value.replace("\r\n", "\n")
    return Description(connection.info.server_version // 10000, objects)


def differences(expected: Description, actual: Description) -> list[Difference]:
    """What is missing, extra or different in `actual`, ordered by the names of the objects.

    Parts of an object that is missing or extra are left out. So are changes that an object shares with the one that it
    comes from.
    """
    keys = {f"{kind} {name}": (kind, name) for kind, name in expected.objects.keys() | actual.objects.keys()}
    result = []
    for key in sorted(keys.values(), key=lambda key: (key[1], key[0])):
        here, there = expected.objects.get(key, {}), actual.objects.get(key, {})
        if here and there:
            source = keys.get(here.get("from") or there.get("from", ""))
            inherited = _changes(expected, actual, source) if source else []
            if own := tuple(change for change in _changes(expected, actual, key) if change not in inherited):
                result.append(Difference(*key, "different", own))
        else:
            wholes = [keys[name] for link in LINKS if (name := (here or there).get(link)) in keys]
            if all((whole in expected.objects) == (whole in actual.objects) for whole in wholes):
                result.append(Difference(*key, "missing" if here else "extra"))
    return result


def lines(difference: Difference) -> list[str]:
    """Lines for people: the object, then each property as expected and as found, long texts as a unified diff."""
    output = [f"{SIGNS[difference.what]} {difference.kind} {difference.object}"]
    width = max((len(change.property) for change in difference.changes), default=0)
    for change in difference.changes:
        expected, actual = change.expected or "nothing", change.found or "nothing"
        if "\n" in expected + actual:
            output += [f"    {change.property}", *(f"      {line}" for line in _diff(expected, actual))]
        else:
            output += [f"    {change.property:{width}}  expected {expected}", f"    {'':{width}}  found    {actual}"]
    return output


def _diff(expected: str, actual: str) -> list[str]:
    diff = list(
        difflib.unified_diff(expected.splitlines(), actual.splitlines(), "expected", "found", lineterm="", n=CONTEXT)
    )
    return diff if len(diff) <= DIFF_LINES else [*diff[:DIFF_LINES], f"… {len(diff) - DIFF_LINES} more lines"]


def _changes(expected: Description, actual: Description, key: Key) -> list[Change]:
    """The properties that differ, if both hold the object."""
    here, there = expected.objects.get(key), actual.objects.get(key)
    if here is None or there is None or here == there:
        return []
    if min(expected.version, actual.version) < MAINTAIN_SINCE <= max(expected.version, actual.version):
        here, there = _without_maintain(here), _without_maintain(there)
    names = sorted((here.keys() | there.keys()).difference(LINKS))
    return [Change(n, here.get(n), there.get(n)) for n in names if here.get(n) != there.get(n)]


def _without_maintain(properties: dict[str, str]) -> dict[str, str]:
    """The properties without the privilege MAINTAIN."""
    granted = {name: value.split(", ") for name, value in properties.items() if GRANTED in name}
    known = {name: ", ".join(p for p in values if not p.startswith("MAINTAIN")) for name, values in granted.items()}
    return {name: value for name, value in (properties | known).items() if value or name not in known}


@cache
def _statement() -> bytes:
    """All queries in one statement, which takes one round trip."""
    parts = (b"(\n" + file.read_bytes() + b")" for file in sorted(FOLDER.glob("[!_]*.sql")))
    return _sql("_ours") + b"\nunion all\n".join(parts)


def _sql(name: str) -> bytes:
    return (FOLDER / f"{name}.sql").read_bytes()
