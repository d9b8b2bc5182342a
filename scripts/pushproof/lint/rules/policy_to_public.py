"""A policy without `to` holds for every role, anon among them, and is evaluated for each."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import WARNING, File, Project
from pushproof.lint.nodes import name_of, roles

LEVEL = WARNING
HINT = "name whom it is for: `to authenticated`, or `to anon, authenticated`"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """A policy `to public`, which is also what is meant without `to`."""
    for one in file.kinds("CreatePolicyStmt", "AlterPolicyStmt"):
        if "public" in roles(one.node.roles):
            yield (
                one.line,
                f"policy {one.node.policy_name} on {name_of(one.node.table)} is for every role, anon among them",
            )
