"""A policy whose condition is `true` lets its roles write every row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import ERROR, File, Project
from pushproof.lint.nodes import name_of, roles

LEVEL = ERROR
HINT = "say whose rows: `using (user_id = (select auth.uid()))`, and `with check` likewise"
API_USERS = {"anon", "authenticated", "public"}


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """Permissive policies that let API users write, created or altered with `using (true)` or `with check (true)`."""
    for statement in file.kinds("CreatePolicyStmt"):
        node = statement.node
        who = roles(node.roles) & API_USERS
        if who and node.permissive and node.cmd_name != "select" and (_true(node.qual) or _true(node.with_check)):
            verbs = "write" if node.cmd_name == "all" else node.cmd_name
            yield statement.line, f"{' and '.join(sorted(who))} may {verbs} every row of {name_of(node.table)}"
    for statement in file.kinds("AlterPolicyStmt"):
        node = statement.node
        made = _made(node, project)
        writes = made is None or (made.permissive and made.cmd_name != "select")
        if writes and (_true(node.qual) or _true(node.with_check)):
            yield statement.line, f"policy {node.policy_name} lets its roles write every row of {name_of(node.table)}"


def _made(altered: Any, project: Project) -> Any:
    """The statement that made a policy; None if no file did."""
    same = (
        s.node
        for s in project.statements
        if type(s.node).__name__ == "CreatePolicyStmt"
        and s.node.policy_name == altered.policy_name
        and name_of(s.node.table) == name_of(altered.table)
    )
    return next(same, None)


def _true(condition: Any) -> bool:
    return bool(getattr(getattr(condition, "val", None), "boolval", False))
