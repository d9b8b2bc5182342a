"""The linters are part of the tests: there is one command to run, and CI runs that one."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "scripts" / "pushproof"


@pytest.mark.parametrize(
    "words",
    [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)],
    ids=" ".join,
)
def test_linters_are_content(words: tuple[str, ...]) -> None:
    """ruff's rules, ruff's format and mypy's strict types hold for every file."""
    done = subprocess.run([sys.executable, "-m", *words], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_arguments_have_names() -> None:
    """Of what the package calls of its own, no more than three arguments stand by their place alone."""
    trees = {file: ast.parse(file.read_text()) for file in PACKAGE.rglob("*.py")}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    named = [node for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    own = {node.name for node in named} - {node.name for node in named if _takes_any(node)}
    many = [
        f"{file.name}:{node.lineno} {ast.unparse(node.func)}"
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and len(node.args) > 3 and _name(node.func) in own
    ]
    assert many == []


def _takes_any(node: ast.ClassDef | ast.FunctionDef) -> bool:
    return isinstance(node, ast.FunctionDef) and node.args.vararg is not None


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
