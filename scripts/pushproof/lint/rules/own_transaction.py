"""A `begin`, `commit` or `rollback` of its own ends the transaction in which the CLI runs the file."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.migrations.statements import transaction_statement

LEVEL = ERROR
HINT = "leave it out: the CLI runs each file in one transaction of its own"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """The first transaction statement of a file."""
    if statement := transaction_statement(file.sql):
        line, text = statement
        yield line, f"`{text}` ends the transaction of the file, and its row of the history is lost"
