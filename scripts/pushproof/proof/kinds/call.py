"""Who can call a function with the owner's ids. Others must get the same answer as for ids that do not exist."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from psycopg import sql

from pushproof.proof.asking import Answer, Request
from pushproof.proof.catalog import USERS, Catalog, Function, Relation
from pushproof.proof.cells import Asked, Case, Cell, Probe, denied_first, expected_of
from pushproof.proof.intent import Intent
from pushproof.proof.names import Name, expression
from pushproof.proof.outcomes import ALLOWED, FAILED, NOTHING, REFUSED
from pushproof.proof.records import Row
from pushproof.proof.scope import tables
from pushproof.target.database import SETTLE

FILLERS = {"", "p", "in", "id", "uuid", "the", "a", "new", "old", "target", "input", "arg", "for", "check", "my"}
NOBODY = {"smallint": 32_749, "integer": 2_147_483_629, "bigint": 2_147_483_629}  # ids that no row has


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """One case for each function that the API can call; `about` is set if it takes the owner's ids."""
    for name, function in catalog.functions.items():
        entry = intent.functions[name]
        expected = expected_of(intent, entry.call, filtered=entry.filtered)
        about = "with another user's ids" if sources_of(catalog, intent, function) else ""
        yield Case(
            kind="call", object=name, verb="call", expected=expected, about=about, alone=function.volatility == "v"
        )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Each actor makes the same call, and one with ids that do not exist; the rows that it may change are read back."""
    asked = Asked(case)
    for actor in denied_first(case):
        call = prepare(probe, case)
        probe.rows.called |= call.function.volatility == "v"
        before = call.state(probe)
        request = _request(probe, call.function, call.arguments)
        answer = probe.ask(actor, request)
        changed = call.state(probe) != before
        as_missing = probe.ask(actor, _request(probe, call.function, call.nobody)) if call.rows_of else None
        asked.add(actor, _observed(answer, as_missing, call, changed=changed), request, answer=answer)
    yield from asked.with_controls(lambda: _works_by_sql(probe, case, asked.cells))


def _works_by_sql(probe: Probe, case: Case, cells: Iterable[Cell]) -> bool:
    """Whether the call works for `postgres` in the owner's name; true also if every actor lacked the privilege."""
    if all(c.observed == REFUSED for c in cells):
        return True
    call = prepare(probe, case)
    with probe.rows.records.connection.transaction(force_rollback=True):
        return not by_sql(probe, call.function, call.arguments, become=lambda: probe.rows.records.set_user("owner"))[0]


def by_sql(probe: Probe, function: Function, arguments: Row, become: Callable[[], None]) -> tuple[str, Any]:
    """Call the function by SQL after `become`, then reset the role.

    Returns the SQLSTATE and the server's message, or an empty SQLSTATE and the list of rows.
    """
    import psycopg

    types = dict(zip(function.names, function.types, strict=True))
    given = sql.SQL(", ").join(sql.SQL("{0} => a.{0}").format(Name(n)) if n else sql.SQL("a.body") for n in arguments)
    typed = sql.SQL(", ").join(sql.SQL("{} {}").format(Name(n or "body"), expression(types[n])) for n in arguments)
    source = sql.SQL("pg_catalog.jsonb_to_record(%s::jsonb) as a({}), lateral ").format(typed)
    select = sql.SQL("select to_jsonb(f) from {}{}({}) f").format(
        source if arguments else sql.SQL(""), Name(function.schema, function.name), given
    )
    connection = probe.rows.records.connection
    try:
        with connection.transaction():
            become()
            rows = connection.execute(
                select, [json.dumps({n or "body": value for n, value in arguments.items()})] if arguments else []
            ).fetchall()
            connection.execute(SETTLE)
            connection.execute("reset role")
    except psycopg.Error as problem:
        return problem.sqlstate or "-----", problem.diag.message_primary or str(problem)
    return "", [row for (row,) in rows]


@dataclass(frozen=True)
class Call:
    """A call with the owner's ids (`arguments`), and the same call with ids that do not exist (`nobody`).

    `rows_of` maps each argument that is an id to its relation and row, or to None for the user's own id.
    """

    function: Function
    arguments: Row
    nobody: Row
    rows_of: Mapping[str, tuple[Relation, Row] | None]

    def state(self, probe: Probe) -> str:
        """The rows that the arguments name, and those that refer to them, as JSON; empty for a read-only function."""
        if self.function.volatility != "v":
            return ""
        targets = self.rows_of.values()
        named = [probe.rows.records.current(*target) for target in targets if target]
        referring = [probe.rows.records.digest(*match) for target in targets for match in _referring(probe, target)]
        return json.dumps([named, referring], sort_keys=True)


def _referring(probe: Probe, target: tuple[Relation, Row] | None) -> Iterator[tuple[Relation, Row]]:
    """Each relation that refers to a row, or to the owner for None, with the values that match its referring rows."""
    for relation in tables(probe.catalog):
        owner = probe.intent.relations[relation.qualified].owner
        if target is None and owner:
            yield relation, {owner: probe.actors["owner"].id}
        for key in relation.foreign_keys:
            if target and key.target == target[0].qualified:
                yield relation, {c: target[1][t] for c, t in zip(key.columns, key.target_columns, strict=True)}


def prepare(probe: Probe, case: Case) -> Call:
    """The call that the case asks about, with rows that it may change. Raises UnaskableError."""
    function = probe.catalog.functions[case.object]
    sources = sources_of(probe.catalog, probe.intent, function)
    rows_of = {n: (r, _row(probe, function, r)) if r else None for n, (r, _) in sources.items()}
    ids = {n: target[1][sources[n][1]] if target else probe.actors["owner"].id for n, target in rows_of.items()}
    types = dict(zip(function.names, function.types, strict=True))
    nobody = {n: NOBODY.get(types[n], str(uuid.uuid4())) for n in ids}
    others = {n: probe.rows.values.argument(type_, labels) for n, type_, labels in function.required if n not in ids}
    others |= {n: v for n, v in probe.intent.functions[case.object].sample.items() if n not in ids}
    return Call(function=function, arguments={**ids, **others}, nobody={**nobody, **others}, rows_of=rows_of)


def _observed(answer: Answer, as_missing: Answer | None, call: Call, *, changed: bool) -> str:
    """ALLOWED if the call changed a row, or if its answer differs from `as_missing`, that for missing ids."""
    if changed and answer.status < 300:
        return ALLOWED
    if answer.refused:
        return REFUSED
    if answer.status >= 500:  # also for ids that do not exist: an error is not a denial
        return FAILED
    if as_missing is None:
        return ALLOWED if answer.status < 300 else REFUSED
    if (answer.status, without_ids(answer.body, call.arguments)) == (
        as_missing.status,
        without_ids(as_missing.body, call.nobody),
    ):
        return NOTHING
    return ALLOWED if answer.status < 300 else FAILED


def without_ids(body: Any, arguments: Row) -> str:
    """The body of an answer as JSON, without the ids that it repeats from the arguments."""
    text = json.dumps(body, sort_keys=True)
    for value in arguments.values():
        text = text.replace(str(value), "…") if isinstance(value, str) or value in NOBODY.values() else text
    return text


def sources_of(catalog: Catalog, intent: Intent, function: Function) -> dict[str, tuple[Relation | None, str]]:
    """Each argument that takes an id of the owner's, with its relation and column; (None, "id") for the user's id."""
    entry = intent.functions[function.qualified]
    sources: dict[str, tuple[Relation | None, str]] = {}
    for name, type_ in zip(function.names, function.types, strict=True):
        if name in entry.arguments:
            relation, _, column = entry.arguments[name].rpartition(".")
            sources[name] = catalog.relations[relation], column
        elif source := _by_name(catalog, name, type_) or _by_noun(catalog, name, type_):
            sources[name] = source
    return sources


def _by_name(catalog: Catalog, argument: str, type_: str) -> tuple[Relation | None, str] | None:
    """The key to which columns of the argument's name refer: for `p_session_id` those called session_id."""
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


def _by_noun(catalog: Catalog, argument: str, type_: str) -> tuple[Relation | None, str] | None:
    """The key of the relation that the argument names: of teams for `target_team`, of the user for `check_user`."""
    noun = "_".join(word for word in argument.lower().split("_") if word not in FILLERS).removesuffix("s")
    for relation in catalog.exposed:
        keyed = len(relation.key) == 1 and relation.by_name[relation.key[0]].type == type_
        if keyed and relation.name.removesuffix("s") in (noun, noun.rpartition("_")[2]):
            return relation, relation.key[0]
    return (None, "id") if noun.rpartition("_")[2] in ("user", "uid") and type_ == "uuid" else None


def _row(probe: Probe, function: Function, relation: Relation) -> Row:
    """A row of the owner's; a fresh one if the function may change it."""
    make = probe.rows.fresh_or_standing if function.volatility == "v" else probe.rows.standing
    return make(relation, "owner")


def _request(probe: Probe, function: Function, arguments: Row) -> Request:
    schema = "" if function.schema == probe.catalog.schemas[0] else function.schema
    path = f"rpc/{quote(function.name, safe='')}"
    if function.media:
        return Request("POST", path, body=arguments[""], schema=schema, media=function.media)
    return Request("POST", path, body=arguments, schema=schema)
