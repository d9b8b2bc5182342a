"""A `security definer` function resolves names by its caller's search_path, with its owner's rights."""

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
    """Functions with `security definer` whose search_path no statement sets. The arguments are not compared."""
    for statement in file.kinds(MADE, ALTERED):
        name, options = _read(statement.node)
        definer = any(option.defname == "security" and option.arg.boolval for option in options)
        if definer and not any(_pins(other.node, name) for other in (statement, *_others(statement, project))):
            yield statement.line, f"{name} runs with its owner's rights, and resolves names by its caller's search_path"


def _others(statement: Statement, project: Project) -> tuple[Statement, ...]:
    """The other statements that may set search_path. `create or replace` resets what earlier ones set."""
    earlier = project.before(statement) if type(statement.node).__name__ == ALTERED else ()
    return (*earlier, *project.after(statement))


def _pins(node: Any, name: Name | None) -> bool:
    function, options = _read(node)
    settings = [option.arg for option in options if option.defname == "set"]
    return function == name and any(
        s.name == "search_path" and s.kind.name in ("VAR_SET_VALUE", "VAR_SET_CURRENT") for s in settings
    )


def _read(node: Any) -> tuple[Name | None, tuple[Any, ...]]:
    """The function that a statement makes or alters, and the options that it sets."""
    kind = type(node).__name__
    if kind == MADE:
        return joined(node.funcname), node.options or ()
    return (joined(node.func.objname), node.actions) if kind == ALTERED else (None, ())
