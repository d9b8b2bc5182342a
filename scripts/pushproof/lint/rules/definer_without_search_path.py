"""A `security definer` function finds names where its caller's search_path says, with its owner's rights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import ERROR, File, Project
from pushproof.lint.nodes import Name, joined
from pushproof.migrations.statements import Statement

LEVEL = ERROR
HINT = "`set search_path = ''`, and every name qualified with its schema"
MADE, ALTERED = "CreateFunctionStmt", "AlterFunctionStmt"


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """A function that is made or becomes one, and whose search_path nothing sets; by name, whatever its arguments."""
    for one in file.kinds(MADE, ALTERED):
        name, options = _read(one.node)
        definer = any(option.defname == "security" and option.arg.boolval for option in options)
        if definer and not any(_pins(other.node, name) for other in (one, *_others(one, project))):
            yield one.line, f"{name} runs with its owner's rights, and finds names where its caller says"


def _others(one: Statement, project: Project) -> tuple[Statement, ...]:
    """What may set it as well; `create or replace` forgets what was set before."""
    former = project.before(one) if type(one.node).__name__ == ALTERED else ()
    return (*former, *project.after(one))


def _pins(node: Any, name: Name | None) -> bool:
    function, options = _read(node)
    settings = [option.arg for option in options if option.defname == "set"]
    return function == name and any(
        s.name == "search_path" and s.kind.name in ("VAR_SET_VALUE", "VAR_SET_CURRENT") for s in settings
    )


def _read(node: Any) -> tuple[Name | None, tuple[Any, ...]]:
    """The function that a statement makes or alters, and what it says of it."""
    kind = type(node).__name__
    if kind == MADE:
        return joined(node.funcname), node.options or ()
    return (joined(node.func.objname), node.actions) if kind == ALTERED else (None, ())
