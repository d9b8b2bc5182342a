"""Names and records of the project as composed SQL, so that no name can inject a statement."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg import sql

from pushproof.proof.catalog import Relation

if TYPE_CHECKING:
    from psycopg.abc import AdaptContext


class Name(sql.Identifier):
    """A name in a statement with parameters: its percent signs are doubled, because psycopg interprets them."""

    def as_bytes(self, context: AdaptContext | None = None) -> bytes:
        """The quoted identifier, with percent signs doubled for a query that has parameters."""
        return super().as_bytes(context).replace(b"%", b"%%")


def name_of(relation: Relation) -> Name:
    """A relation's qualified name."""
    return Name(relation.schema, relation.name)


def regclass(relation: Relation) -> str:
    """A relation's name as text for a cast to regclass."""
    return Name(relation.schema, relation.name).as_string().replace("%%", "%")


def listed(names: Iterable[str], prefix: str = "") -> sql.Composed:
    """Columns, separated by commas: `"a", "b"`, or with the prefix r `"r"."a", "r"."b"`."""
    return sql.SQL(", ").join(Name(prefix, n) if prefix else Name(n) for n in names)


def record(relation: Relation) -> sql.Composed:
    """A row of the relation's type from one parameter, a JSON object."""
    return sql.SQL("pg_catalog.jsonb_populate_record(null::{}, %s::jsonb)").format(name_of(relation))


def same(names: Iterable[str]) -> sql.Composable:
    """The condition that row `t` has the values of record `r` in these columns; true if there are none."""
    pairs = [sql.SQL("t.{0} is not distinct from r.{0}").format(Name(n)) for n in names]
    return sql.SQL(" and ").join(pairs) if pairs else sql.SQL("true")


def equal(names: Iterable[str]) -> sql.Composable:
    """The same condition for columns without nulls; unlike that of `same`, an index can serve it."""
    pairs = [sql.SQL("t.{0} = r.{0}").format(Name(n)) for n in names]
    return sql.SQL(" and ").join(pairs) if pairs else sql.SQL("true")


class Text(sql.Literal):
    """A text in a statement with parameters: its percent signs are doubled, because psycopg interprets them."""

    def as_bytes(self, context: AdaptContext | None = None) -> bytes:
        """The quoted literal, with percent signs doubled for a query that has parameters."""
        return super().as_bytes(context).replace(b"%", b"%%")


def expression(text: str) -> sql.SQL:
    """SQL that the server returned, such as a policy's condition, for a statement with parameters."""
    return sql.SQL(text.replace("%", "%%"))
