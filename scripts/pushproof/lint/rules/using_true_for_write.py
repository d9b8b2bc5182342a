"""A policy whose condition is `true` lets everybody it is for write every row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import ERROR, File, Project
from pushproof.lint.nodes import name_of, roles

LEVEL = ERROR
HINT = "say whose rows: `using (user_id = (select auth.uid()))`, and `with check` likewise"
API_USERS = {"anon", "authenticated", "public"}


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """A permissive policy for writing, for API users, made or altered with `using (true)` or `with check (true)`."""
    for one in file.kinds("CreatePolicyStmt"):
        node = one.node
        who = roles(node.roles) & API_USERS
        if who and node.permissive and node.cmd_name != "select" and (_true(node.qual) or _true(node.with_check)):
            verbs = "write" if node.cmd_name == "all" else node.cmd_name
            yield one.line, f"{' and '.join(sorted(who))} may {verbs} every row of {name_of(node.table)}"
    for one in file.kinds("AlterPolicyStmt"):
        made = _made(one.node, project)
        writes = made is None or (made.permissive and made.cmd_name != "select")
        if writes and (_true(one.node.qual) or _true(one.node.with_check)):
            yield one.line, f"policy {one.node.policy_name} lets its roles write every row of {name_of(one.node.table)}"


def _made(altered: Any, project: Project) -> Any:
    """The statement that made a policy; None where no file did."""
    same = (
        one.node
        for one in project.statements
        if type(one.node).__name__ == "CreatePolicyStmt"
        and one.node.policy_name == altered.policy_name
        and name_of(one.node.table) == name_of(altered.table)
    )
    return next(same, None)


def _true(condition: Any) -> bool:
    return bool(getattr(getattr(condition, "val", None), "boolval", False))
