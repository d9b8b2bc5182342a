"""A statement that cannot run in a transaction makes the CLI run its whole file without one."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.migrations.statements import runs_alone

LEVEL = ERROR
HINT = "give it a migration of its own"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """Such statements in a file with other statements than `set`."""
    others = [s for s in file.statements if type(s.node).__name__ != "VariableSetStmt"]
    for s in others:
        if runs_alone(s.node) and len(others) > 1:
            yield s.line, f"`{s.title}` makes the whole file run without a transaction: a failure leaves half of it"
