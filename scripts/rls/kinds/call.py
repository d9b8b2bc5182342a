"""Who can call a function with the owner's ids: for everybody else the answer is that for ids that do not exist."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from scripts.rls.asking import Answer, Request
from scripts.rls.catalog import USERS, Catalog, Function, Relation
from scripts.rls.cells import ALLOWED, FAILED, NOTHING, REFUSED, Asked, Case, Cell, Probe, denied_first, expected_of
from scripts.rls.intent import Intent
from scripts.rls.rows import Row, argument_value

NOT_FOUND = 404


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """Every function that is no trigger, once; the owner's ids make no difference where it takes none."""
    for name, function in catalog.functions.items():
        entry = intent.functions[name]
        expected = expected_of(intent, entry.call, filtered=entry.filtered)
        yield Case("call", name, "call", expected, alone=function.volatility == "v")


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """The same call by everybody, beside one with ids of nobody; rows that it may change are read back."""
    function = probe.catalog.functions[case.object]
    sources = _sources(probe, function)
    asked = Asked(case)
    for actor in denied_first(case):
        rows = {name: _row(probe, function, relation) for name, (relation, _) in sources.items() if relation}
        arguments = _arguments(probe, function, sources, rows)
        before = _state(probe, sources, rows)
        request = _request(probe, function, arguments)
        answer = probe.ask(actor, request)
        changed = _state(probe, sources, rows) != before
        nobody = {n: str(uuid.uuid4()) if n in sources else v for n, v in arguments.items()}
        as_missing = probe.ask(actor, _request(probe, function, nobody)) if sources else None
        asked.add(actor, _observed(answer, as_missing, arguments, nobody, changed=changed), request, answer)
    yield from asked.settled(lambda: True)


def _observed(answer: Answer, as_missing: Answer | None, arguments: Row, nobody: Row, *, changed: bool) -> str:
    """Whether the call got or did something that it would not with ids of nobody."""
    if changed:
        return ALLOWED
    if answer.refused:
        return REFUSED
    if as_missing is None:
        return ALLOWED if answer.status < 300 else FAILED if answer.status >= 500 else REFUSED
    if _words(answer, arguments) == _words(as_missing, nobody):
        return NOTHING
    return ALLOWED if answer.status < 300 else FAILED


def _sources(probe: Probe, function: Function) -> dict[str, tuple[Relation | None, str]]:
    """The arguments that take the owner's ids: from a column of which relation; None for the user's own id."""
    entry = probe.intent.functions[function.qualified]
    found: dict[str, tuple[Relation | None, str]] = {}
    for name, type_ in zip(function.names, function.types, strict=True):
        if name in entry.arguments:
            relation, _, column = entry.arguments[name].rpartition(".")
            found[name] = probe.catalog.relations[relation], column
        elif source := _by_name(probe.catalog, name, type_):
            found[name] = source
    return found


def _by_name(catalog: Catalog, argument: str, type_: str) -> tuple[Relation | None, str] | None:
    """`p_session_id` takes what columns called session_id refer to."""
    plain = argument.removeprefix("p_").removeprefix("_").removeprefix("in_")
    for relation in catalog.exposed:
        for key in relation.foreign_keys:
            if plain in key.columns and relation.by_name[plain].type == type_:
                target = key.target_columns[key.columns.index(plain)]
                if key.target == USERS:
                    return None, "id"
                if key.target in catalog.relations:
                    return catalog.relations[key.target], target
    return None


def _row(probe: Probe, function: Function, relation: Relation | None) -> Row:
    """A row of the owner's: a fresh one where the function may change it."""
    assert relation is not None  # noqa: S101 - the caller left those out
    return probe.rows.some(relation, "owner") if function.volatility == "v" else probe.rows.standing(relation, "owner")


def _arguments(
    probe: Probe, function: Function, sources: dict[str, tuple[Relation | None, str]], rows: dict[str, Row]
) -> dict[str, Any]:
    """By name, what the function needs; whatever is no id is made from its type."""
    arguments: dict[str, Any] = {}
    needed = dict(function.required)
    for name, type_ in zip(function.names, function.types, strict=True):
        if name in sources:
            arguments[name] = rows[name][sources[name][1]] if name in rows else probe.actors["owner"].id
        elif name in needed:
            arguments[name] = argument_value(type_)
    return arguments


def _state(probe: Probe, sources: dict[str, tuple[Relation | None, str]], rows: dict[str, Row]) -> str:
    """The rows that the arguments name, as they are now."""
    now = {n: probe.rows.now(relation, rows[n]) for n, (relation, _) in sources.items() if relation}
    return json.dumps(now, sort_keys=True)


def _request(probe: Probe, function: Function, arguments: Row) -> Request:
    schema = "" if function.schema == probe.catalog.schemas[0] else function.schema
    return Request("POST", f"rpc/{function.name}", body=arguments, schema=schema)


def _words(answer: Answer, arguments: Row) -> tuple[int, str]:
    """The answer without the ids that it repeats."""
    text = json.dumps(answer.body, sort_keys=True)
    for value in arguments.values():
        text = text.replace(str(value), "…") if isinstance(value, str) else text
    return answer.status, text
