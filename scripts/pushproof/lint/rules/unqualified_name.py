"""An object without its schema is created in a schema that depends on the current search_path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import WARNING, File, Project

LEVEL = WARNING
HINT = "write its schema before it, as in public.notes"
RELATIONS = {
    "CreateStmt": "relation",
    "CreateForeignTableStmt": "base.relation",
    "CreateTableAsStmt": "into.rel",
    "SelectStmt": "intoClause.rel",
    "ViewStmt": "view",
    "IndexStmt": "relation",
    "CreateSeqStmt": "sequence",
    "CompositeTypeStmt": "typevar",
}
PARTS = {
    "CreateFunctionStmt": "funcname",
    "CreateEnumStmt": "typeName",
    "CreateRangeStmt": "typeName",
    "CreateDomainStmt": "domainname",
}


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """Names of new tables, views, functions, types and sequences, and of the tables of indexes, if not temporary."""
    for statement in file.kinds(*RELATIONS, *PARTS):
        if name := _bare(statement.node):
            yield statement.line, f"{name} is named without its schema"


def _bare(node: Any) -> str:
    kind = type(node).__name__
    if kind in PARTS:
        parts = getattr(node, PARTS[kind])
        return str(parts[0].sval) if len(parts) == 1 else ""
    relation = node
    for step in RELATIONS[kind].split("."):
        relation = getattr(relation, step, None)
    return "" if not relation or relation.schemaname or relation.relpersistence == "t" else str(relation.relname)
