"""What psql understands and the server does not: its own commands, and rows that follow a `copy … from stdin`."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.migrations.statements import unrunnable

LEVEL = ERROR
HINT = "leave commands of psql out, write rows as `insert into … values …`"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """Each of them."""
    yield from ((one.line, f"it {one.cause}") for one in unrunnable(file.sql))
