"""Commands that only psql understands: its own, and `copy … from stdin` with rows after it."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.migrations.statements import unrunnable

LEVEL = ERROR
HINT = "leave commands of psql out, write rows as `insert into … values …`"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """Each such command."""
    yield from ((problem.line, f"it {problem.cause}") for problem in unrunnable(file.sql))
