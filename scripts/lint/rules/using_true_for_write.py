"""A policy whose condition is `true` lets everybody it is for write every row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scripts.lint.files import ERROR, File, Project
from scripts.lint.nodes import name_of, roles

LEVEL = ERROR
HINT = "say whose rows: `using (user_id = (select auth.uid()))`, and `with check` likewise"
API_USERS = {"anon", "authenticated", "public"}


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """A permissive policy for writing, for API users, with `using (true)` or `with check (true)`."""
    for one in file.kinds("CreatePolicyStmt"):
        node = one.node
        who = roles(node.roles) & API_USERS
        if who and node.permissive and node.cmd_name != "select" and (_true(node.qual) or _true(node.with_check)):
            verbs = "write" if node.cmd_name == "all" else node.cmd_name
            yield one.line, f"{' and '.join(sorted(who))} may {verbs} every row of {name_of(node.table)}"


def _true(condition: Any) -> bool:
    return bool(getattr(getattr(condition, "val", None), "boolval", False))
