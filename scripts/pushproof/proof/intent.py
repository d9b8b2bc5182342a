"""The intent: supabase/access.toml, who may do what, as people declared and reviewed it."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

from pushproof.base.errors import IntentError
from pushproof.base.reading import hint_of, present, text_of
from pushproof.proof.catalog import USERS, Catalog, Relation

VERBS = ("select", "insert", "update", "delete")
ACTORS = ("anon", "owner", "other", "service")
RELATION_KEYS = {*VERBS, "owner", "columns", "insert_columns", "parents", "sample", "filtered", "truncate", "keys"}
FUNCTION_KEYS = {"call", "arguments", "filtered", "sample"}
ACTOR_KEYS = {"user_metadata", "app_metadata"}
TABLES = ("sample", "arguments", *ACTOR_KEYS)
IS: dict[str, Callable[[Any], bool]] = {
    "a table": lambda value: isinstance(value, dict),
    "a text": lambda value: isinstance(value, str),
    "a list of texts": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value),
}
FILE = "access.toml"
# Columns whose value may say what somebody may do, or what they own.
TELLING = re.compile(
    r"role|admin|permission|^plan(_|$)|tier|credit|balance|verified|approved|premium|_pro$|banned|(user|account)_type|karma"
    r"|moderat|stripe|subscription|coins|points|wallet|quota|level",
    re.IGNORECASE,
)
LOOK = "# look: "  # what `pushproof rls --init` found odd, and nobody has reviewed yet


@dataclass(frozen=True)
class RelationIntent:
    """One relation: which actors may do what with a row of the owner's.

    `columns`: what an update may set. `insert_columns`: what an insert may set, where that is held at all.
    `parents`: columns that refer to a row which must be the caller's own. `filtered`: who may ask without
    a right to any row, and must get nothing. `truncate`: whose role holds that privilege, which no request
    can use. `keys`: what of a key users may choose.
    """

    allowed: Mapping[str, frozenset[str]]
    owner: str = ""
    columns: tuple[str, ...] = ()
    insert_columns: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    sample: Mapping[str, Any] = field(default_factory=dict)
    filtered: frozenset[str] = frozenset()
    truncate: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class FunctionIntent:
    """One function: who may call it with the owner's ids; `arguments` says where those are found.

    `sample` holds values for others of its arguments.
    """

    call: frozenset[str]
    arguments: Mapping[str, str] = field(default_factory=dict)
    filtered: frozenset[str] = frozenset()
    sample: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ActorIntent:
    """A user that the project defines, with the metadata that makes them what they are."""

    name: str
    user_metadata: Mapping[str, Any] = field(default_factory=dict)
    app_metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Intent:
    """All of access.toml."""

    relations: Mapping[str, RelationIntent]
    functions: Mapping[str, FunctionIntent]
    actors: Mapping[str, ActorIntent] = field(default_factory=dict)

    def of(self, relation: Relation) -> RelationIntent:
        """A relation's entry; without one, the owner that its keys suggest: rows of others may need a row here."""
        return self.relations.get(relation.qualified) or RelationIntent({}, _referring_to_users(relation))

    @property
    def names(self) -> tuple[str, ...]:
        """Every actor, in the order of the matrix."""
        return ("anon", "other", *(a for a in self.actors if a not in ACTORS), "owner", "service")


def _referring_to_users(relation: Relation) -> str:
    return next((k.columns[0] for k in relation.foreign_keys if k.target == USERS and len(k.columns) == 1), "")


def load(file: Path, catalog: Catalog, *, otherwise: Intent | None = None) -> Intent:
    """Read access.toml and hold it against the catalog; what it says nothing of is as `otherwise` has it.

    Raises IntentError, which names the line.
    """
    if not present(file):
        raise IntentError(
            f"there is no supabase/{FILE}: it says who may do what",
            "`pushproof rls --init` writes a first one from what it observes; review each line",
        )
    text = text_of(file, IntentError)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise IntentError(f"supabase/{FILE} is not TOML: {problem}", hint_of(text)) from None
    return _Reader(text, catalog, found).intent(otherwise)


def silent_of(file: Path, catalog: Catalog) -> set[str]:
    """The relations and functions that the file says nothing of. Raises ValueError where it is not TOML."""
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    said = {*found.get("relations", ()), *found.get("functions", ())}
    return {*(r.qualified for r in catalog.exposed), *catalog.functions} - said


class _Reader:
    """Turns the document into an Intent; its complaints name lines."""

    def __init__(self, text: str, catalog: Catalog, document: dict[str, Any]) -> None:
        self._lines = text.splitlines()
        self._catalog = catalog
        self._document = document

    def intent(self, otherwise: Intent | None) -> Intent:
        self._known(self._document, {"relations", "functions", "actors"}, "a section", path=())
        actors = {
            name: ActorIntent(name, **self._table(("actors", name), ACTOR_KEYS)) for name in self._section("actors")
        }
        for name in actors:
            if name in ("anon", "service") or not re.fullmatch(r"[a-z]+", name):
                self._complain(
                    ("actors", name),
                    f"{name!r} cannot be the name of an actor",
                    "use other letters, a to z",
                )
        self._actors = (*ACTORS, *(name for name in actors if name not in ACTORS))
        exposed = {r.qualified: r for r in self._catalog.exposed}
        relations, functions = self._section("relations"), self._section("functions")
        self._known(relations, exposed, "a relation of the exposed schemas", path=("relations",))
        self._known(functions, self._catalog.functions, "a function of the exposed schemas", path=("functions",))
        if otherwise is None:
            self._complete("relations", relations, exposed)
            self._complete("functions", functions, self._catalog.functions)
            otherwise = Intent({}, {})
        return Intent(
            {**otherwise.relations, **{name: self._relation(exposed[name]) for name in relations}},
            {**otherwise.functions, **{name: self._function(name) for name in functions}},
            actors,
        )

    def _section(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._document.get(name, {})
        if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
            self._complain((name,), f"[{name}] must hold tables", f'write [{name}."…"]')
        return found

    def _table(self, path: tuple[str, str], keys: set[str]) -> dict[str, Any]:
        table: dict[str, Any] = self._document[path[0]][path[1]]
        self._known(table, keys, "a key", path=path)
        for key, value in table.items():
            kind = "a table" if key in TABLES else "a text" if key == "owner" else "a list of texts"
            if not IS[kind](value):
                self._complain((*path, key), f"{key} must be {kind}", "docs/access.md shows each key")
            if kind == "a table":
                table[key] = self._json(value, (*path, key))
        return table

    def _json(self, value: Any, path: tuple[str, ...]) -> Any:
        """The value as JSON has it, dates and times as texts."""
        if isinstance(value, dict):
            return {name: self._json(one, path) for name, one in value.items()}
        if isinstance(value, list):
            return [self._json(one, path) for one in value]
        if isinstance(value, date | time):
            return value.isoformat()
        if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, str) and "\0" in value):
            self._complain(path, f"{value!r} is a value that neither JSON nor PostgreSQL can hold", "use another")
        return value

    def _relation(self, relation: Relation) -> RelationIntent:
        path = ("relations", relation.qualified)
        table = self._table(path, RELATION_KEYS)
        for verb in VERBS:
            if verb not in table:
                self._complain(path, f"it does not say who may {verb}", f"add `{verb} = []` or name actors")
            self._known(table[verb], self._actors, "an actor", path=(*path, verb))
            if table[verb] and not relation.takes(verb):
                self._complain((*path, verb), f"this view does not support {verb}", f"write `{verb} = []`")
        for key in ("filtered", "truncate"):
            self._known(table.get(key, []), self._actors, "an actor", path=(*path, key))
        for key in ("columns", "insert_columns", "parents", "sample", "keys"):
            self._known(table.get(key, []), relation.by_name, f"a column of {relation.qualified}", path=(*path, key))
        if owner := table.get("owner"):
            self._known([owner], relation.by_name, f"a column of {relation.qualified}", path=(*path, "owner"))
        return RelationIntent(
            allowed={verb: self._reviewed((*path, verb), table[verb]) for verb in VERBS},
            owner=table.get("owner", ""),
            columns=self._settable(path, "columns", {str(table.get("owner")), *table.get("parents", ())}),
            insert_columns=self._settable(path, "insert_columns", set()),
            parents=tuple(table.get("parents", ())),
            sample=table.get("sample", {}),
            filtered=frozenset(table.get("filtered", ())),
            truncate=frozenset(table.get("truncate", ())),
            keys=tuple(table.get("keys", ())),
        )

    def _settable(self, path: tuple[str, str], key: str, telling: set[str]) -> tuple[str, ...]:
        """Of a line that nobody has reviewed, not the columns that say whose a row is, or what somebody may do."""
        named: list[str] = self._document[path[0]][path[1]].get(key, [])
        if self._unreviewed((*path, key)):
            named = [c for c in named if c not in telling and not TELLING.search(c)]
        return tuple(named)

    def _function(self, name: str) -> FunctionIntent:
        path = ("functions", name)
        table = self._table(path, FUNCTION_KEYS)
        if "call" not in table:
            self._complain(path, "it does not say who may call it", "add `call = []` or name actors")
        for key in ("call", "filtered"):
            self._known(table.get(key, ()), self._actors, "an actor", path=(*path, key))
        arguments = table.get("arguments", {})
        for key in ("arguments", "sample"):
            self._known(table.get(key, ()), self._catalog.functions[name].names, "an argument", path=(*path, key))
        for source in arguments.values():
            relation = str(source).rpartition(".")[0]
            columns = self._catalog.relations[relation].by_name if relation in self._catalog.relations else {}
            known = [f"{relation}.{c}" for c in columns]
            self._known([source], known, "schema.relation.column", path=(*path, "arguments"))
        return FunctionIntent(
            call=self._reviewed((*path, "call"), table["call"]),
            arguments=arguments,
            filtered=frozenset(table.get("filtered", ())),
            sample=table.get("sample", {}),
        )

    def _reviewed(self, path: tuple[str, ...], actors: Iterable[str]) -> frozenset[str]:
        """A line that still says `look` declares nothing for those whose rows they are not."""
        return frozenset(actors) - ({"anon", "other"} if self._unreviewed(path) else set())

    def _unreviewed(self, path: tuple[str, ...]) -> bool:
        return LOOK in self._lines[self._line(path) - 1]

    def _complete(self, section: str, given: Iterable[str], wanted: Iterable[str]) -> None:
        if missing := sorted(set(wanted) - set(given)):
            raise IntentError(
                f"supabase/{FILE} ends at line {len(self._lines)} and does not mention {', '.join(missing)}",
                f'add [{section}."{missing[0]}"] there; `pushproof rls --init` proposes it',
            )

    def _known(self, given: Iterable[str], known: Iterable[str], what: str, path: tuple[str, ...]) -> None:
        names = list(known)
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(names)) or 'none'}"
                where = (*path, str(name)) if not path or path in (("relations",), ("functions",)) else path
                self._complain(where, f"{name!r} is not {what}", hint)

    def _complain(self, path: tuple[str, ...], cause: str, remedy: str) -> None:
        raise IntentError(f"supabase/{FILE} line {self._line(path)}: {cause}", remedy)

    def _line(self, path: tuple[str, ...]) -> int:
        """Where a table, or a key in it, stands. tomllib keeps no positions."""
        header = re.compile(
            r"^\s*\[\s*" + r"\s*\.\s*".join(rf"[\"']?{re.escape(p)}[\"']?" for p in path[:2]) + r"\s*\]"
        )
        start = next((n for n, line in enumerate(self._lines) if header.match(line)), 0)
        if len(path) > 2:
            key = re.compile(rf"^\s*[\"']?{re.escape(path[2])}[\"']?\s*[.=]")
            return next((n for n in range(start, len(self._lines)) if key.match(self._lines[n])), start) + 1
        return start + 1
