"""A `set role` that a file leaves behind: its row of the history and later files run as that role."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.migrations.statements import lasting_role

LEVEL = ERROR
HINT = "write `set local role`, or `reset role` after it"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """The last one that nothing takes back."""
    if found := lasting_role(file.sql):
        yield found.line, f"it {found.cause}"
