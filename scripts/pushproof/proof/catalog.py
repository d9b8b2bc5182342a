"""The catalog: relations, columns, keys, functions and policies, read from the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pushproof.base.queries import query

if TYPE_CHECKING:
    import psycopg

# https://supabase.com/docs/guides/platform/permissions: the schemas that Supabase manages.
INTERNAL = [
    "_analytics",
    "_realtime",
    "_supavisor",
    "auth",
    "cron",
    "extensions",
    "graphql",
    "graphql_public",
    "information_schema",
    "net",
    "pgbouncer",
    "pgmq",
    "pgsodium",
    "pgsodium_masks",
    "realtime",
    "storage",
    "supabase_functions",
    "supabase_migrations",
    "vault",
]
USERS = "auth.users"
ROLE_OF = {"anon": "anon", "service": "service_role"}  # all other actors are `authenticated`
VIEWS = ("v", "m")
WITHOUT_EQUALITY = ("json", "xml")
UPDATABLE = {"update": 4, "insert": 8, "delete": 16}  # bits of pg_relation_is_updatable: 1 << CmdType
KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}


@dataclass(frozen=True)
class Column:
    """A column. `rights` holds roles with a privilege, such as `authenticated update`."""

    name: str
    type: str
    base_type: str
    category: str
    length: int | None
    required: bool
    filled: bool
    generated: bool  # no statement may set it
    default: str | None
    labels: tuple[str, ...]
    rights: frozenset[str]

    @property
    def is_comparable(self) -> bool:
        """Whether SQL and PostgREST's filters can compare its values for equality."""
        return self.category in "NSDBUE" and self.base_type not in WITHOUT_EQUALITY

    def open_to(self, role: str, verb: str) -> bool:
        """Whether the role holds the privilege on the column."""
        return f"{role} {verb}" in self.rights


@dataclass(frozen=True)
class ForeignKey:
    """Columns that refer to those of another relation, by its qualified name."""

    name: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """A check constraint and the columns it reads."""

    name: str
    columns: tuple[str, ...]
    definition: str


@dataclass(frozen=True)
class Relation:
    """A table, partition, view, materialized view or foreign table."""

    schema: str
    name: str
    kind: str
    partition: bool
    rls: bool
    updatable: int
    sources: tuple[str, ...]
    rights: frozenset[str]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    uniques: tuple[tuple[str, ...], ...]
    foreign_keys: tuple[ForeignKey, ...]
    checks: tuple[Check, ...]

    @property
    def qualified(self) -> str:
        """`schema.name`, unquoted: the key of the catalog and of access.toml."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by their names."""
        return {c.name: c for c in self.columns}

    @property
    def identifying(self) -> set[str]:
        """The columns that identify a row: those of its keys; without a key, its numbers, texts and uuids."""
        keyed = {c for columns in self.uniques for c in columns}
        return keyed or {c.name for c in self.columns if c.category in "NSU" and not self.key}

    @property
    def is_view(self) -> bool:
        """Whether it is a view of either kind."""
        return self.kind in VIEWS

    def takes(self, verb: str) -> bool:
        """Whether the relation supports this verb: a view may be read-only."""
        return not self.is_view or verb == "select" or bool(self.updatable & UPDATABLE[verb])

    def open_to(self, role: str, verb: str) -> bool:
        """Whether the role holds the privilege on it, or on one of its columns."""
        return f"{role} {verb}" in self.rights


MEDIA = {
    "json": "application/json",
    "jsonb": "application/json",
    "text": "text/plain",
    "xml": "text/xml",
    "bytea": "application/octet-stream",
}


@dataclass(frozen=True)
class Function:
    """A function that the API can call."""

    schema: str
    name: str
    types: tuple[str, ...]
    names: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    defaults: int
    result: str
    volatility: str
    definer: bool
    callers: frozenset[str]

    @property
    def qualified(self) -> str:
        """`schema.name(types)`: the key of the catalog and of access.toml."""
        return f"{self.schema}.{self.name}({', '.join(self.types)})"

    @property
    def required(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """(name, type, labels of an enum) of the arguments that have no default."""
        arguments = tuple(zip(self.names, self.types, self.labels, strict=True))
        return arguments[: len(arguments) - self.defaults]

    @property
    def media(self) -> str:
        """The media type of the body that is its only, unnamed argument; empty if it takes named arguments.

        https://docs.postgrest.org/en/v12/references/api/functions.html#functions-with-a-single-unnamed-parameter
        """
        return MEDIA.get(self.types[0], "") if self.names == ("",) else ""

    @property
    def callable(self) -> bool:
        """Whether the API can call it: all arguments need names, unless the only one is the body."""
        return bool(self.media) or all(self.names)


@dataclass(frozen=True)
class Policy:
    """A policy; `command` is select, insert, update, delete or all."""

    relation: str
    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    qual: str | None
    check: str | None


@dataclass(frozen=True)
class Catalog:
    """The relations by qualified name, also those of schemas not exposed, functions by signature, and policies.

    `uncallable` are functions of the exposed schemas that the API cannot call.
    """

    schemas: tuple[str, ...]
    relations: dict[str, Relation]
    functions: dict[str, Function]
    policies: tuple[Policy, ...]
    uncallable: tuple[str, ...] = ()

    @property
    def exposed(self) -> list[Relation]:
        """The relations of the exposed schemas."""
        return [r for r in self.relations.values() if r.schema in self.schemas]

    def model(self, relation: Relation) -> Relation:
        """The relation whose keys and checks apply to a write: for a view, its source with the most common columns."""
        sources = [self.relations[s] for s in relation.sources if s in self.relations]
        if not relation.is_view or not sources:
            return relation
        return self.model(max(sources, key=lambda s: len(s.by_name.keys() & relation.by_name.keys())))

    def key_of(self, relation: Relation, row: Mapping[str, Any]) -> dict[str, Any]:
        """The values that identify this row: of its primary key, of another key, or of all comparable columns."""
        model = self.model(relation)
        for names in (model.key, *model.uniques):
            if names and all(row.get(n) is not None for n in names):
                return {n: row[n] for n in names}
        compared = [c.name for c in relation.columns if c.is_comparable and row.get(c.name) is not None]
        return {n: row[n] for n in compared}

    def policies_of(self, relation: str) -> list[Policy]:
        """The policies of this relation."""
        return [p for p in self.policies if p.relation == relation]


def read_catalog(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> Catalog:
    """Read the catalog, with an empty search_path so that all names are qualified."""
    from psycopg.rows import dict_row

    with connection.cursor(row_factory=dict_row) as cursor, connection.transaction():
        cursor.execute("set local search_path = ''")
        relations = cursor.execute(query("proof/relations"), {"internal": INTERNAL}).fetchall()
        wanted = {"relations": [r["oid"] for r in relations]}
        columns = cursor.execute(query("proof/columns"), wanted).fetchall()
        constraints = cursor.execute(query("proof/constraints"), wanted).fetchall()
        users = cursor.execute("select 'auth.users'::pg_catalog.regclass::pg_catalog.oid::bigint as oid").fetchall()
        user_columns = cursor.execute(query("proof/columns"), {"relations": [users[0]["oid"]]}).fetchall()
        functions = cursor.execute(query("proof/functions"), {"schemas": list(schemas)}).fetchall()
        policies = cursor.execute(query("proof/policies"), {"schemas": list(schemas)}).fetchall()
    names = {r["oid"]: f"{r['schema']}.{r['name']}" for r in relations} | {users[0]["oid"]: USERS}
    numbers = {(c["relation"], c["number"]): c["name"] for c in (*columns, *user_columns)}
    parsed = [_function(row) for row in functions]
    return Catalog(
        schemas=tuple(schemas),
        relations={
            names[r["oid"]]: _relation(r, columns, constraints, names=names, numbers=numbers) for r in relations
        },
        functions={f.qualified: f for f in parsed if f.callable},
        policies=tuple(Policy(**{**p, "roles": tuple(p["roles"])}) for p in policies),
        uncallable=tuple(f.qualified for f in parsed if not f.callable),
    )


def _relation(
    row: dict[str, Any],
    columns: Iterable[dict[str, Any]],
    constraints: Iterable[dict[str, Any]],
    names: dict[int, str],
    numbers: dict[tuple[int, int], str],
) -> Relation:
    own = [c for c in constraints if c["relation"] == row["oid"]]

    def named(constraint: dict[str, Any]) -> tuple[str, ...]:
        return tuple(numbers[row["oid"], number] for number in constraint["columns"] or () if number > 0)

    return Relation(
        schema=row["schema"],
        name=row["name"],
        kind=row["kind"],
        partition=row["partition"],
        rls=row["rls"],
        updatable=row["updatable"],
        sources=tuple(row["sources"]),
        rights=frozenset(row["rights"]),
        columns=tuple(_column(c) for c in columns if c["relation"] == row["oid"]),
        key=next((named(c) for c in own if c["type"] == "p"), ()),
        uniques=tuple(named(c) for c in own if c["type"] in ("p", "u")),
        foreign_keys=tuple(
            ForeignKey(
                name=c["name"],
                columns=named(c),
                target=names.get(c["target"], "another schema"),
                target_columns=tuple(numbers.get((c["target"], n), "") for n in c["target_columns"]),
            )
            for c in own
            if c["type"] == "f"
        ),
        checks=tuple(Check(c["name"], named(c), c["definition"]) for c in own if c["type"] == "c"),
    )


def _column(row: dict[str, Any]) -> Column:
    wanted = {name: row[name] for name in Column.__dataclass_fields__}
    return Column(**{**wanted, "labels": tuple(row["labels"]), "rights": frozenset(row["rights"])})


def _function(row: dict[str, Any]) -> Function:
    wanted = {name: row[name] for name in Function.__dataclass_fields__}
    lists = {"types": tuple(row["types"]), "names": tuple(row["names"]), "callers": frozenset(row["callers"])}
    labels = tuple(tuple(json.loads(names)) for names in row["labels"])
    return Function(**{**wanted, **lists, "labels": labels})
