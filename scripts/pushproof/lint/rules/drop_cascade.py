"""`cascade` drops or empties whatever depends on the object, none of which the file names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import ERROR, File, Project

LEVEL = ERROR
HINT = "leave `cascade` out, and drop by name what then stands in the way"
DROPS = ("DropStmt", "DropOwnedStmt", "TruncateStmt", "AlterTableStmt", "AlterDomainStmt")


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """Every `drop … cascade`, that of a column or constraint included, and `truncate … cascade`."""
    for one in file.kinds(*DROPS):
        if any(_cascades(part) for part in (one.node, *(getattr(one.node, "cmds", None) or ()))):
            verb = "empties" if type(one.node).__name__ == "TruncateStmt" else "drops"
            yield one.line, f"`{one.title}` also {verb} whatever depends on it, without naming it"


def _cascades(node: Any) -> bool:
    return bool(getattr(node, "behavior", None) and node.behavior.name == "DROP_CASCADE")
