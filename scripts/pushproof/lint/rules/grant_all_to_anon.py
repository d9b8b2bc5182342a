"""Whoever holds the publishable key, which is everybody, may write."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import WARNING, File, Project
from pushproof.lint.nodes import roles, table_grant

LEVEL = WARNING
HINT = "grant writing to authenticated; to anon `select`, or columns by name"
WRITING = {"insert", "update", "delete", "truncate"}


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """A grant to anon or public, also by default, of writing whole rows; columns that are named are meant."""
    for one in file.statements:
        grant = table_grant(one.node)
        everybody = roles(grant.grantees) & {"anon", "public"} if grant and grant.is_grant else set()
        if everybody:
            whole = {p.priv_name for p in grant.privileges if not p.cols} if grant.privileges is not None else WRITING
            if whole & WRITING:
                yield one.line, f"{min(everybody)} may {', '.join(sorted(whole & WRITING))} without signing in"
