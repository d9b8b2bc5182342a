"""`cascade` drops or empties everything that depends on the object, without naming it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import ERROR, File, Project

LEVEL = ERROR
HINT = "leave `cascade` out, and drop by name what then stands in the way"
DROPS = ("DropStmt", "DropOwnedStmt", "TruncateStmt", "AlterTableStmt", "AlterDomainStmt")


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """Every `drop … cascade`, also of a column or constraint, and `truncate … cascade`."""
    for statement in file.kinds(*DROPS):
        if any(_cascades(part) for part in (statement.node, *(getattr(statement.node, "cmds", None) or ()))):
            verb = "empties" if type(statement.node).__name__ == "TruncateStmt" else "drops"
            yield statement.line, f"`{statement.title}` also {verb} whatever depends on it, without naming it"


def _cascades(node: Any) -> bool:
    return bool(getattr(node, "behavior", None) and node.behavior.name == "DROP_CASCADE")
