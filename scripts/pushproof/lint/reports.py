"""What the linter found, for people and for programs: lines, JSON, SARIF, GitHub's annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pushproof.base import sarif
from pushproof.base.console import counted, entry
from pushproof.lint.engine import about
from pushproof.lint.files import ERROR, WARNING, Problem

if TYPE_CHECKING:
    from pushproof.base import documents
    from pushproof.base.console import Console

# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY_ESCAPES = ESCAPES | {":": "%3A", ",": "%2C"}


def lines(console: Console, problems: Sequence[Problem], files: int) -> None:
    """A line for each problem with its remedy below, and one that counts."""
    for one in problems:
        console.line(f" {one.message}", head=f"{one.file.name}:{one.line} {one.level} {one.rule}")
        console.line(f"    {one.hint}")
    errors, warnings = count(problems)
    words = f"{counted(files, 'file')}, {counted(errors, 'error')}, {counted(warnings, 'warning')}"
    console.line(words, ok=not errors, head="lint")


def count(problems: Sequence[Problem]) -> tuple[int, int]:
    """The numbers of errors and of warnings."""
    return sum(p.level == ERROR for p in problems), sum(p.level == WARNING for p in problems)


def document(problems: Sequence[Problem], files: int, project: Path) -> documents.Lint:
    """All of it for scripts; files are relative to the project."""
    errors, warnings = count(problems)
    found = [entry(one, file=_within(project, one)) for one in problems]
    return {"files": files, "errors": errors, "warnings": warnings, "problems": found}


def write_sarif(file: Path, problems: Sequence[Problem], project: Path) -> None:
    """As scanners' results, with the rules that were broken."""
    rules = {one.rule: about(one.rule) for one in problems}
    sarif.write(
        file,
        [sarif.rule(name, text, page=page) for name, (text, page) in sorted(rules.items())],
        [
            sarif.result(p.rule, p.level, f"{p.message}. {p.hint}", file=_within(project, p), line=p.line)
            for p in problems
        ],
    )


def annotation(problem: Problem, project: Path) -> str:
    """The workflow command that makes GitHub show it at its line."""
    properties = {"file": _within(project, problem), "line": str(problem.line), "title": problem.rule}
    words = ",".join(f"{name}={escaped(value, PROPERTY_ESCAPES)}" for name, value in properties.items())
    text = escaped(f"{problem.message}\n{problem.hint}", ESCAPES)
    return f"::{problem.level} {words}::{text}"


def escaped(text: str, escapes: dict[str, str]) -> str:
    """`text` with every such character written as GitHub wants it."""
    return "".join(escapes.get(character, character) for character in text)


def _within(project: Path, problem: Problem) -> str:
    return problem.file.relative_to(project).as_posix()
