"""The intent: supabase/access.toml, which declares who may do what."""

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
SHAPES: dict[str, Callable[[Any], bool]] = {
    "a table": lambda value: isinstance(value, dict),
    "a string": lambda value: isinstance(value, str),
    "a list of strings": lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value),
}
FILE = "access.toml"
# Columns whose value may decide what a user may do, or what they own.
SENSITIVE = re.compile(
    r"role|admin|permission|^plan(_|$)|tier|credit|balance|verified|approved|premium|_pro$|banned|(user|account)_type|karma"
    r"|moderat|stripe|subscription|coins|points|wallet|quota|level",
    re.IGNORECASE,
)
LOOK = "# look: "  # marks a line that `pushproof rls --init` found unusual and nobody has reviewed yet


@dataclass(frozen=True)
class RelationIntent:
    """One relation: `allowed` maps each verb to the actors who may do it with a row of the owner's.

    `columns`: the columns that an update may set. `insert_columns`: those that an insert may set; if empty, it is not
    checked. `parents`: columns that must refer to a row of the caller's own. `filtered`: actors who may ask but must
    get no row. `truncate`: actors whose role holds that privilege, which no request can use. `keys`: key columns that
    users may choose.
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
    """One function: the actors who may call it with the owner's ids.

    `arguments` maps arguments to the columns that hold these ids; `sample` holds values for other arguments.
    """

    call: frozenset[str]
    arguments: Mapping[str, str] = field(default_factory=dict)
    filtered: frozenset[str] = frozenset()
    sample: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ActorIntent:
    """A user that the project defines, with their metadata."""

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
        """The entry of a relation; without one, an entry with only the owner column that its foreign keys suggest."""
        return self.relations.get(relation.qualified) or RelationIntent({}, _referring_to_users(relation))

    @property
    def names(self) -> tuple[str, ...]:
        """All actors, in the order of the matrix."""
        return ("anon", "other", *(a for a in self.actors if a not in ACTORS), "owner", "service")


def _referring_to_users(relation: Relation) -> str:
    return next((k.columns[0] for k in relation.foreign_keys if k.target == USERS and len(k.columns) == 1), "")


def load(file: Path, catalog: Catalog, *, otherwise: Intent | None = None) -> Intent:
    """Read access.toml and check it against the catalog; `otherwise` gives the entries that it lacks.

    Raises IntentError, which names the line.
    """
    if not present(file):
        raise IntentError(
            f"there is no supabase/{FILE}: it says who may do what",
            "`pushproof rls --init` writes a first one from what it observes; review each line",
        )
    text = text_of(file, IntentError)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise IntentError(f"supabase/{FILE} is not TOML: {problem}", hint_of(text)) from None
    return _Reader(text, catalog, document).intent(otherwise)


def undeclared(file: Path, catalog: Catalog) -> set[str]:
    """The relations and functions without an entry in the file. Raises ValueError if it is not TOML."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    declared = {*document.get("relations", ()), *document.get("functions", ())}
    return {*(r.qualified for r in catalog.exposed), *catalog.functions} - declared


class _Reader:
    """Turns the document into an Intent; its errors name lines."""

    def __init__(self, text: str, catalog: Catalog, document: dict[str, Any]) -> None:
        self._lines = text.splitlines()
        self._catalog = catalog
        self._document = document

    def intent(self, otherwise: Intent | None) -> Intent:
        self._check(self._document, {"relations", "functions", "actors"}, "a section", path=())
        actors = {
            name: ActorIntent(name, **self._table(("actors", name), ACTOR_KEYS)) for name in self._section("actors")
        }
        for name in actors:
            if name in ("anon", "service") or not re.fullmatch(r"[a-z]+", name):
                self._fail(
                    ("actors", name),
                    f"{name!r} cannot be the name of an actor",
                    "use other letters, a to z",
                )
        self._actors = (*ACTORS, *(name for name in actors if name not in ACTORS))
        exposed = {r.qualified: r for r in self._catalog.exposed}
        relations, functions = self._section("relations"), self._section("functions")
        self._check(relations, exposed, "a relation of the exposed schemas", path=("relations",))
        self._check(functions, self._catalog.functions, "a function of the exposed schemas", path=("functions",))
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
        section: dict[str, Any] = self._document.get(name, {})
        if not isinstance(section, dict) or not all(isinstance(v, dict) for v in section.values()):
            self._fail((name,), f"[{name}] must hold tables", f'write [{name}."…"]')
        return section

    def _table(self, path: tuple[str, str], keys: set[str]) -> dict[str, Any]:
        table: dict[str, Any] = self._document[path[0]][path[1]]
        self._check(table, keys, "a key", path=path)
        for key, value in table.items():
            kind = "a table" if key in TABLES else "a string" if key == "owner" else "a list of strings"
            if not SHAPES[kind](value):
                self._fail((*path, key), f"{key} must be {kind}", "docs/access.md shows each key")
            if kind == "a table":
                table[key] = self._json(value, (*path, key))
        return table

    def _json(self, value: Any, path: tuple[str, ...]) -> Any:
        """The value as JSON can hold it, with dates and times as texts."""
        if isinstance(value, dict):
            return {name: self._json(item, path) for name, item in value.items()}
        if isinstance(value, list):
            return [self._json(item, path) for item in value]
        if isinstance(value, date | time):
            return value.isoformat()
        if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, str) and "\0" in value):
            self._fail(path, f"{value!r} is a value that neither JSON nor PostgreSQL can hold", "use another value")
        return value

    def _relation(self, relation: Relation) -> RelationIntent:
        path = ("relations", relation.qualified)
        table = self._table(path, RELATION_KEYS)
        for verb in VERBS:
            if verb not in table:
                self._fail(path, f"it does not say who may {verb}", f"add `{verb} = []` or name actors")
            self._check(table[verb], self._actors, "an actor", path=(*path, verb))
            if table[verb] and not relation.takes(verb):
                self._fail((*path, verb), f"this view does not support {verb}", f"write `{verb} = []`")
        for key in ("filtered", "truncate"):
            self._check(table.get(key, []), self._actors, "an actor", path=(*path, key))
        for key in ("columns", "insert_columns", "parents", "sample", "keys"):
            self._check(table.get(key, []), relation.by_name, f"a column of {relation.qualified}", path=(*path, key))
        if owner := table.get("owner"):
            self._check([owner], relation.by_name, f"a column of {relation.qualified}", path=(*path, "owner"))
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

    def _settable(self, path: tuple[str, str], key: str, identifying: set[str]) -> tuple[str, ...]:
        """The columns of this line; if nobody has reviewed it, without owner, parent and sensitive columns."""
        named: list[str] = self._document[path[0]][path[1]].get(key, [])
        if self._unreviewed((*path, key)):
            named = [c for c in named if c not in identifying and not SENSITIVE.search(c)]
        return tuple(named)

    def _function(self, name: str) -> FunctionIntent:
        path = ("functions", name)
        table = self._table(path, FUNCTION_KEYS)
        if "call" not in table:
            self._fail(path, "it does not say who may call it", "add `call = []` or name actors")
        for key in ("call", "filtered"):
            self._check(table.get(key, ()), self._actors, "an actor", path=(*path, key))
        arguments = table.get("arguments", {})
        for key in ("arguments", "sample"):
            self._check(table.get(key, ()), self._catalog.functions[name].names, "an argument", path=(*path, key))
        for source in arguments.values():
            relation = str(source).rpartition(".")[0]
            columns = self._catalog.relations[relation].by_name if relation in self._catalog.relations else {}
            known = [f"{relation}.{c}" for c in columns]
            self._check([source], known, "schema.relation.column", path=(*path, "arguments"))
        return FunctionIntent(
            call=self._reviewed((*path, "call"), table["call"]),
            arguments=arguments,
            filtered=frozenset(table.get("filtered", ())),
            sample=table.get("sample", {}),
        )

    def _reviewed(self, path: tuple[str, ...], actors: Iterable[str]) -> frozenset[str]:
        """The actors of this line; if it is still marked `look`, without anon and other."""
        return frozenset(actors) - ({"anon", "other"} if self._unreviewed(path) else set())

    def _unreviewed(self, path: tuple[str, ...]) -> bool:
        return LOOK in self._lines[self._line(path) - 1]

    def _complete(self, section: str, given: Iterable[str], wanted: Iterable[str]) -> None:
        if missing := sorted(set(wanted) - set(given)):
            raise IntentError(
                f"supabase/{FILE} ends at line {len(self._lines)} and does not mention {', '.join(missing)}",
                f'add [{section}."{missing[0]}"] there; `pushproof rls --init` proposes it',
            )

    def _check(self, given: Iterable[str], known: Iterable[str], kind: str, path: tuple[str, ...]) -> None:
        """Check that each given name is a known one; the error says that it is not `kind`."""
        names = list(known)
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(names)) or 'none'}"
                place = (*path, str(name)) if not path or path in (("relations",), ("functions",)) else path
                self._fail(place, f"{name!r} is not {kind}", hint)

    def _fail(self, path: tuple[str, ...], cause: str, remedy: str) -> None:
        raise IntentError(f"supabase/{FILE} line {self._line(path)}: {cause}", remedy)

    def _line(self, path: tuple[str, ...]) -> int:
        """The line of a table, or of a key in it. tomllib keeps no positions."""
        header = re.compile(
            r"^\s*\[\s*" + r"\s*\.\s*".join(rf"[\"']?{re.escape(p)}[\"']?" for p in path[:2]) + r"\s*\]"
        )
        start = next((n for n, line in enumerate(self._lines) if header.match(line)), 0)
        if len(path) > 2:
            key = re.compile(rf"^\s*[\"']?{re.escape(path[2])}[\"']?\s*[.=]")
            return next((n for n in range(start, len(self._lines)) if key.match(self._lines[n])), start) + 1
        return start + 1
