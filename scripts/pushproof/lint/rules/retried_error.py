"""A function that raises SQLSTATE 40001: PostgREST takes it for a passing conflict and repeats the call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import WARNING, File, Project
from pushproof.lint.nodes import joined

LEVEL = WARNING
HINT = "a code that says conflict and is not repeated: `using errcode = 'PT409'` answers 409"
MADE = "CreateFunctionStmt"
# Without an end, and for clients that are gone: https://github.com/fstamatelopoulos/cerefox/pull/174
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
RAISED = re.compile(r"\braise\b[^;]*?\b(40001|serialization_failure)\b", re.IGNORECASE)


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """A function that is made so, and not made anew by a later statement."""
    for one in file.kinds(MADE):
        found, name = RAISED.search(_body(one.node)), joined(one.node.funcname)
        anew = (other for other in project.after(one) if type(other.node).__name__ == MADE)
        if found and not any(joined(other.node.funcname) == name for other in anew):
            yield one.line, f"{name} raises {found[1]}, at which PostgREST repeats the call without an end"


def _body(node: Any) -> str:
    texts = (text.sval for option in node.options or () if option.defname == "as" for text in option.arg)
    return COMMENT.sub("", "\n".join(texts))
