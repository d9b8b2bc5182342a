"""A statement that no transaction can hold makes the CLI run its whole file without one."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.migrations.statements import runs_alone

LEVEL = ERROR
HINT = "give it a migration of its own"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """One beside others; a `set` before it leaves nothing behind."""
    others = [one for one in file.statements if type(one.node).__name__ != "VariableSetStmt"]
    for one in others:
        if runs_alone(one.node) and len(others) > 1:
            yield one.line, f"`{one.title}` makes the whole file run without a transaction: a failure leaves half of it"
