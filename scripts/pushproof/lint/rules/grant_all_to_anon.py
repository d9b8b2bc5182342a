"""Everybody who has the publishable key, which is public, may write."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import WARNING, File, Project
from pushproof.lint.nodes import roles, table_grant

LEVEL = WARNING
HINT = "grant writing to authenticated; to anon `select`, or columns by name"
WRITING = {"insert", "update", "delete", "truncate"}


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """Grants to anon or public, also by default, to write whole rows. A grant on named columns is taken as intended."""
    for statement in file.statements:
        grant = table_grant(statement.node)
        everybody = roles(grant.grantees) & {"anon", "public"} if grant and grant.is_grant else set()
        if everybody:
            whole = {p.priv_name for p in grant.privileges if not p.cols} if grant.privileges is not None else WRITING
            if whole & WRITING:
                yield statement.line, f"{min(everybody)} may {', '.join(sorted(whole & WRITING))} without signing in"
