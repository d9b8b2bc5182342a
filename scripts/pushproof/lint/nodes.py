"""What a rule asks of a statement, as pglast parsed it: names, tables made, options set, roles named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

TRUE = {"", "true", "on", "yes", "1", "t", "y"}
RELATIONS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE")


class Name(NamedTuple):
    """A qualified name. Without a schema an object is made in public, the first of a push's search_path."""

    schema: str
    name: str

    def __str__(self) -> str:
        return ".".join(self)


def name_of(relation: Any) -> Name:
    """Of a relation that a statement names."""
    return Name(relation.schemaname or "public", relation.relname)


def joined(parts: Iterable[Any]) -> Name:
    """Of a name in parts, as functions and types have it."""
    words = [part.sval for part in parts]
    return Name(words[-2] if len(words) > 1 else "public", words[-1])


def made_table(node: Any) -> Any:
    """The table that a statement makes, `create table as` and `select into` included; None for temporary ones."""
    kind = type(node).__name__
    if kind == "CreateStmt":
        relation = node.relation
    elif kind == "CreateTableAsStmt" and node.objtype.name == "OBJECT_TABLE":
        relation = node.into.rel
    elif kind == "SelectStmt" and node.intoClause:
        relation = node.intoClause.rel
    else:
        return None
    return None if temporary(relation) else relation


def temporary(relation: Any) -> bool:
    """Gone with the session."""
    return bool(relation.relpersistence == "t" or relation.schemaname == "pg_temp")


def dropped(node: Any) -> set[Name]:
    """The relations that a statement drops."""
    if type(node).__name__ != "DropStmt" or node.removeType.name not in RELATIONS:
        return set()
    return {joined(one) for one in node.objects}


def commands(node: Any, name: Name | None = None) -> Iterator[tuple[str, Any]]:
    """The actions of an `alter table` or `alter view`, of this relation if one is given, each with its kind."""
    if type(node).__name__ == "AlterTableStmt" and (name is None or name_of(node.relation) == name):
        for command in node.cmds:
            yield command.subtype.name.removeprefix("AT_"), command


def switched_on(options: Iterable[Any] | None, name: str) -> bool | None:
    """Whether boolean option `name` is switched on or off; None where it is not mentioned."""
    for option in options or ():
        if option.defname == name:
            arg = option.arg
            names = getattr(arg, "names", None)  # `alter … set` has words as names of types
            value = names[-1] if names else arg
            return str(getattr(value, "sval", getattr(value, "ival", ""))).lower() in TRUE
    return None


def roles(named: Iterable[Any] | None) -> set[str]:
    """The names of roles; `public` is everybody."""
    return {"public" if one.roletype.name == "ROLESPEC_PUBLIC" else one.rolename or "" for one in named or ()}


def table_grant(node: Any) -> Any:
    """The grant or revoke on tables that a statement is, or that `alter default privileges` holds; or None."""
    grant = node.action if type(node).__name__ == "AlterDefaultPrivilegesStmt" else node
    return grant if type(grant).__name__ == "GrantStmt" and grant.objtype.name == "OBJECT_TABLE" else None
