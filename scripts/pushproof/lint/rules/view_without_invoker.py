"""A view reads with its owner's rights and bypasses policies, unless it has `security_invoker`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import ERROR, File, Project
from pushproof.lint.nodes import Name, commands, dropped, name_of, switched_on, temporary

LEVEL = ERROR
HINT = "`create view … with (security_invoker = true) as …`; `create or replace` needs it each time"
OPTION = "security_invoker"


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """Views of an exposed schema that are created without it or lose it, and that no later statement corrects."""
    for statement in file.kinds("ViewStmt", "AlterTableStmt"):
        name = _as_owner(statement.node)
        if name and project.shows(name, statement, until=_corrects):
            yield statement.line, f"{name} is read as its owner, past the policies of the tables in it"


def _as_owner(node: Any) -> Name | None:
    if type(node).__name__ == "ViewStmt":
        bare = not temporary(node.view) and not switched_on(node.options, OPTION)
        return name_of(node.view) if bare else None
    lost = any(
        (kind == "SetRelOptions" and switched_on(command.def_, OPTION) is False)
        or (kind == "ResetRelOptions" and switched_on(command.def_, OPTION) is not None)
        for kind, command in commands(node)
    )
    return name_of(node.relation) if lost else None


def _corrects(node: Any, name: Name) -> bool:
    if type(node).__name__ == "ViewStmt":
        return name_of(node.view) == name  # replaced: the later statement is checked itself
    actions = commands(node, name)
    return name in dropped(node) or any(k == "SetRelOptions" and switched_on(c.def_, OPTION) for k, c in actions)
