"""A function that raises SQLSTATE 40001: PostgREST takes it as a temporary conflict and repeats the call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import WARNING, File, Project
from pushproof.lint.nodes import joined

LEVEL = WARNING
HINT = "a code that says conflict and is not repeated: `using errcode = 'PT409'` answers 409"
MADE = "CreateFunctionStmt"
# It never stops, not even when the client is gone: https://github.com/fstamatelopoulos/cerefox/pull/174
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
RAISED = re.compile(r"\braise\b[^;]*?\b(40001|serialization_failure)\b", re.IGNORECASE)


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """Functions that raise it, unless a later statement replaces them."""
    for statement in file.kinds(MADE):
        match, name = RAISED.search(_body(statement.node)), joined(statement.node.funcname)
        later = (other for other in project.after(statement) if type(other.node).__name__ == MADE)
        if match and not any(joined(other.node.funcname) == name for other in later):
            yield statement.line, f"{name} raises {match[1]}, at which PostgREST repeats the call without an end"


def _body(node: Any) -> str:
    texts = (text.sval for option in node.options or () if option.defname == "as" for text in option.arg)
    return COMMENT.sub("", "\n".join(texts))
