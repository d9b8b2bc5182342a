"""A policy without `to` applies to every role, including anon, and is evaluated for each."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import WARNING, File, Project
from pushproof.lint.nodes import name_of, roles

LEVEL = WARNING
HINT = "name whom it is for: `to authenticated`, or `to anon, authenticated`"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """Policies `to public`, which is the default."""
    for statement in file.kinds("CreatePolicyStmt", "AlterPolicyStmt"):
        node = statement.node
        if "public" in roles(node.roles):
            policy = f"policy {node.policy_name} on {name_of(node.table)}"
            yield statement.line, f"{policy} is for every role, anon among them"
