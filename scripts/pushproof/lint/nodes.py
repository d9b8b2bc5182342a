"""What rules read from the nodes of pglast: names, created tables, options, roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

TRUE = {"", "true", "on", "yes", "1", "t", "y"}
RELATIONS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE")


class Name(NamedTuple):
    """A qualified name. The default schema is public, the first in the search_path of a push."""

    schema: str
    name: str

    def __str__(self) -> str:
        return ".".join(self)


def name_of(relation: Any) -> Name:
    """The name of a relation in a statement."""
    return Name(relation.schemaname or "public", relation.relname)


def joined(parts: Iterable[Any]) -> Name:
    """The name of a function or type, which the parser gives in parts."""
    names = [part.sval for part in parts]
    return Name(names[-2] if len(names) > 1 else "public", names[-1])


def made_table(node: Any) -> Any:
    """The table that a statement makes, also by `create table as` or `select into`; None if it is temporary."""
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
    """Whether the relation ends with the session."""
    return bool(relation.relpersistence == "t" or relation.schemaname == "pg_temp")


def dropped(node: Any) -> set[Name]:
    """The relations that a statement drops."""
    if type(node).__name__ != "DropStmt" or node.removeType.name not in RELATIONS:
        return set()
    return {joined(parts) for parts in node.objects}


def commands(node: Any, name: Name | None = None) -> Iterator[tuple[str, Any]]:
    """The actions of an `alter table` or `alter view` of this relation, by default of any, as (kind, action)."""
    if type(node).__name__ == "AlterTableStmt" and (name is None or name_of(node.relation) == name):
        for command in node.cmds:
            yield command.subtype.name.removeprefix("AT_"), command


def switched_on(options: Iterable[Any] | None, name: str) -> bool | None:
    """Whether the boolean option `name` is on; None if it is not among the options."""
    for option in options or ():
        if option.defname == name:
            arg = option.arg
            names = getattr(arg, "names", None)  # `alter … set` has a value without quotes as the name of a type
            value = names[-1] if names else arg
            return str(getattr(value, "sval", getattr(value, "ival", ""))).lower() in TRUE
    return None


def roles(specs: Iterable[Any] | None) -> set[str]:
    """The names of the roles in a list of RoleSpec nodes; `public` means all."""
    return {"public" if spec.roletype.name == "ROLESPEC_PUBLIC" else spec.rolename or "" for spec in specs or ()}


def table_grant(node: Any) -> Any:
    """The grant or revoke on tables in a statement, which may be `alter default privileges`; or None."""
    grant = node.action if type(node).__name__ == "AlterDefaultPrivilegesStmt" else node
    return grant if type(grant).__name__ == "GrantStmt" and grant.objtype.name == "OBJECT_TABLE" else None
