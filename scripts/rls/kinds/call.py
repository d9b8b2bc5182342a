"""Who can call a function with the owner's ids: for everybody else the answer is that for ids that do not exist."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.rls.asking import Answer, Request
from scripts.rls.catalog import USERS, Catalog, Function, Relation
from scripts.rls.cells import ALLOWED, FAILED, NOTHING, REFUSED, Asked, Case, Cell, Probe, denied_first, expected_of
from scripts.rls.intent import Intent
from scripts.rls.rows import Row, argument_value

NOBODY = {"smallint": 32_749, "integer": 2_147_483_629, "bigint": 2_147_483_629}  # ids that no row has


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """Every function that is no trigger, once; the owner's ids make no difference where it takes none."""
    for name, function in catalog.functions.items():
        entry = intent.functions[name]
        expected = expected_of(intent, entry.call, filtered=entry.filtered)
        yield Case("call", name, "call", expected, alone=function.volatility == "v")


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """The same call by everybody, beside one with ids of nobody; rows that it may change are read back."""
    asked = Asked(case)
    for actor in denied_first(case):
        call = prepare(probe, case)
        before = call.state(probe)
        request = _request(probe, call.function, call.arguments)
        answer = probe.ask(actor, request)
        changed = call.state(probe) != before
        as_missing = probe.ask(actor, _request(probe, call.function, call.nobody)) if call.rows_of else None
        asked.add(actor, _observed(answer, as_missing, call, changed=changed), request, answer)
    yield from asked.settled(lambda: True)


@dataclass(frozen=True)
class Call:
    """A call with the owner's ids, the same with ids of nobody, and the rows that the ids name.

    `rows_of`: the arguments that are ids, with the relation and the row; neither for the user's own id.
    """

    function: Function
    arguments: Row
    nobody: Row
    rows_of: Mapping[str, tuple[Relation, Row] | None]

    def state(self, probe: Probe) -> str:
        """The rows that the arguments name, as they are now."""
        now = {name: probe.rows.now(*found) for name, found in self.rows_of.items() if found}
        return json.dumps(now, sort_keys=True)


def prepare(probe: Probe, case: Case) -> Call:
    """The call that the case is about, of rows that it may change. Raises UnaskableError."""
    function = probe.catalog.functions[case.object]
    sources = _sources(probe, function)
    rows_of = {n: (r, _row(probe, function, r)) if r else None for n, (r, _) in sources.items()}
    ids = {n: found[1][sources[n][1]] if found else probe.actors["owner"].id for n, found in rows_of.items()}
    types = dict(zip(function.names, function.types, strict=True))
    nobody = {n: NOBODY.get(types[n], str(uuid.uuid4())) for n in ids}
    others = {n: argument_value(type_) for n, type_ in function.required if n not in ids}
    return Call(function, {**ids, **others}, {**nobody, **others}, rows_of)


def _observed(answer: Answer, as_missing: Answer | None, call: Call, *, changed: bool) -> str:
    """Whether the call got or did something that it would not with ids of nobody."""
    if changed:
        return ALLOWED
    if answer.refused:
        return REFUSED
    if as_missing is None:
        return ALLOWED if answer.status < 300 else FAILED if answer.status >= 500 else REFUSED
    if (answer.status, telling(answer.body, call.arguments)) == (
        as_missing.status,
        telling(as_missing.body, call.nobody),
    ):
        return NOTHING
    return ALLOWED if answer.status < 300 else FAILED


def telling(body: Any, arguments: Row) -> str:
    """An answer without the ids that it repeats."""
    text = json.dumps(body, sort_keys=True)
    for value in arguments.values():
        text = text.replace(str(value), "…") if isinstance(value, str) or value in NOBODY.values() else text
    return text


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


def _row(probe: Probe, function: Function, relation: Relation) -> Row:
    """A row of the owner's: a fresh one where the function may change it."""
    return probe.rows.some(relation, "owner") if function.volatility == "v" else probe.rows.standing(relation, "owner")


def _request(probe: Probe, function: Function, arguments: Row) -> Request:
    schema = "" if function.schema == probe.catalog.schemas[0] else function.schema
    return Request("POST", f"rpc/{function.name}", body=arguments, schema=schema)
