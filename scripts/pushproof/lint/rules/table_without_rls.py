"""A table that the API exposes has no row level security: a role with a grant reads every row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import ERROR, File, Project
from pushproof.lint.nodes import Name, commands, dropped, made_table, name_of

LEVEL = ERROR
HINT = "`alter table … enable row level security`, then a policy for each thing somebody may do"


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """Tables and partitions that are created without it or lose it, and that no later statement secures."""
    for statement in file.statements:
        name, how = _bare(statement.node)
        if name and project.shows(name, statement, until=_secures):
            yield statement.line, f"{name} {how} without row level security, in a schema that the API shows"


def _bare(node: Any) -> tuple[Name | None, str]:
    if relation := made_table(node):
        return name_of(relation), "is created"
    off = any(kind == "DisableRowSecurity" for kind, _ in commands(node))
    return (name_of(node.relation), "is left") if off else (None, "")


def _secures(node: Any, name: Name) -> bool:
    return name in dropped(node) or any(kind == "EnableRowSecurity" for kind, _ in commands(node, name))
