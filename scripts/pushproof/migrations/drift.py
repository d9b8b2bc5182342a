"""What a database holds, object by object, and how two databases differ.

The queries of scripts/catalog describe it in the server's own words; a new kind of object is one file there.
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
GRANTED = "granted to "  # … whom: a property whose value lists privileges
MAINTAIN_SINCE = 17  # https://www.postgresql.org/docs/17/release-17.html: the privilege MAINTAIN


@dataclass(frozen=True)
class Description:
    """A database at one moment: the properties of each object, and the major version of its server.

    Two of them, LINKS, name another object: what this one is part of (`of`: `table public.notes`), and what a
    partition's column, constraint or index comes from. Servers of two major versions may write one and the same view
    or expression differently.
    """

    version: int
    objects: dict[Key, dict[str, str]]


@dataclass(frozen=True)
class Change:
    """A property that differs; None where there is none."""

    property: str
    expected: str | None
    found: str | None


@dataclass(frozen=True)
class Difference:
    """An object that is `missing` where it is expected, `extra` where it is not, or `different` in some properties."""

    kind: str
    object: str
    what: Literal["missing", "extra", "different"]
    changes: tuple[Change, ...] = ()


def own_schemas(connection: psycopg.Connection[Any]) -> list[str]:
    """The schemas that are neither PostgreSQL's nor Supabase's nor an extension's."""
    return [row[0] for row in connection.execute(_sql("_own_schemas")).fetchall()]


def describe(connection: psycopg.Connection[Any], schemas: Sequence[str] = ()) -> Description:
    """Describe what is in these schemas, by default in all of the project's own, and what migrations hang elsewhere.

    That is: policies and triggers on tables of auth, storage and realtime; extensions, publications, event triggers,
    servers, default privileges. No rights are needed to read it. Raises psycopg.Error.
    """
    with connection.transaction():
        connection.execute(_sql("_settings"))
        rows = connection.execute(_statement(), {"schemas": list(schemas or own_schemas(connection))}).fetchall()
    objects: dict[Key, dict[str, str]] = {}
    for kind, name, attribute, value in rows:
        objects.setdefault((kind, name), {})[attribute] = value.replace("\r\n", "\n")
    return Description(connection.info.server_version // 10000, objects)


def differences(expected: Description, found: Description) -> list[Difference]:
    """What is missing, extra or different in `found`, ordered by the objects' names.

    Parts of what is itself missing or extra go without saying; so does a change of what something comes from.
    """
    keys = {f"{kind} {name}": (kind, name) for kind, name in expected.objects.keys() | found.objects.keys()}
    answer = []
    for key in sorted(keys.values(), key=lambda key: (key[1], key[0])):
        here, there = expected.objects.get(key, {}), found.objects.get(key, {})
        if here and there:
            source = keys.get(here.get("from") or there.get("from", ""))
            told = _changes(expected, found, source) if source else []
            if untold := tuple(change for change in _changes(expected, found, key) if change not in told):
                answer.append(Difference(*key, "different", untold))
        else:
            wholes = [keys[name] for link in LINKS if (name := (here or there).get(link)) in keys]
            if all((whole in expected.objects) == (whole in found.objects) for whole in wholes):
                answer.append(Difference(*key, "missing" if here else "extra"))
    return answer


def lines(difference: Difference) -> list[str]:
    """The difference for people: the object, and what was expected and found; of long texts a unified diff."""
    answer = [f"{SIGNS[difference.what]} {difference.kind} {difference.object}"]
    width = max((len(change.property) for change in difference.changes), default=0)
    for change in difference.changes:
        expected, found = change.expected or "nothing", change.found or "nothing"
        if "\n" in expected + found:
            answer += [f"    {change.property}", *(f"      {line}" for line in _diff(expected, found))]
        else:
            answer += [f"    {change.property:{width}}  expected {expected}", f"    {'':{width}}  found    {found}"]
    return answer


def _diff(expected: str, found: str) -> list[str]:
    diff = list(
        difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=CONTEXT)
    )
    return diff if len(diff) <= DIFF_LINES else [*diff[:DIFF_LINES], f"… {len(diff) - DIFF_LINES} more lines"]


def _changes(expected: Description, found: Description, key: Key) -> list[Change]:
    """The properties that differ, of an object that both hold."""
    here, there = expected.objects.get(key), found.objects.get(key)
    if here is None or there is None or here == there:
        return []
    if min(expected.version, found.version) < MAINTAIN_SINCE <= max(expected.version, found.version):
        here, there = _without_maintain(here), _without_maintain(there)
    names = sorted((here.keys() | there.keys()).difference(LINKS))
    return [Change(n, here.get(n), there.get(n)) for n in names if here.get(n) != there.get(n)]


def _without_maintain(properties: dict[str, str]) -> dict[str, str]:
    """The properties without a privilege that only one of the servers knows."""
    granted = {name: value.split(", ") for name, value in properties.items() if GRANTED in name}
    known = {name: ", ".join(p for p in values if not p.startswith("MAINTAIN")) for name, values in granted.items()}
    return {name: value for name, value in (properties | known).items() if value or name not in known}


@cache
def _statement() -> bytes:
    """All queries in one: a target may be far away."""
    parts = (b"(\n" + file.read_bytes() + b")" for file in sorted(FOLDER.glob("[!_]*.sql")))
    return _sql("_ours") + b"\nunion all\n".join(parts)


def _sql(name: str) -> bytes:
    return (FOLDER / f"{name}.sql").read_bytes()
