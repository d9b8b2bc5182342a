"""A `set role` that lasts beyond its file: the file's history row and later files run as that role."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.migrations.statements import lasting_role

LEVEL = ERROR
HINT = "write `set local role`, or `reset role` after it"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """The last `set role` that nothing resets."""
    if problem := lasting_role(file.sql):
        yield problem.line, f"it {problem.cause}"
