"""A view reads as its owner, past every policy, unless it is `security_invoker`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import ERROR, File, Project
from pushproof.lint.nodes import Name, commands, dropped, name_of, switched_on, temporary

LEVEL = ERROR
HINT = "`create view … with (security_invoker = true) as …`; `create or replace` needs it each time"
OPTION = "security_invoker"


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """A view of an exposed schema that is made without it, or loses it, and that no later statement mends."""
    for one in file.kinds("ViewStmt", "AlterTableStmt"):
        name = _as_owner(one.node)
        if name and project.shows(name, one, until=_mends):
            yield one.line, f"{name} is read as its owner, past the policies of the tables in it"


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


def _mends(node: Any, name: Name) -> bool:
    if type(node).__name__ == "ViewStmt":
        return name_of(node.view) == name  # made anew: that one is judged
    found = commands(node, name)
    return name in dropped(node) or any(k == "SetRelOptions" and switched_on(c.def_, OPTION) for k, c in found)
