"""Reports of the linter: lines for people, JSON, SARIF, and annotations of GitHub."""

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
    """Print each problem with its hint on the next line, then the numbers of files, errors and warnings."""
    for problem in problems:
        console.line(f" {problem.message}", head=f"{problem.file.name}:{problem.line} {problem.level} {problem.rule}")
        console.line(f"    {problem.hint}")
    errors, warnings = count(problems)
    summary = f"{counted(files, 'file')}, {counted(errors, 'error')}, {counted(warnings, 'warning')}"
    console.line(summary, ok=not errors, head="lint")


def count(problems: Sequence[Problem]) -> tuple[int, int]:
    """The numbers of errors and of warnings."""
    return sum(p.level == ERROR for p in problems), sum(p.level == WARNING for p in problems)


def document(problems: Sequence[Problem], files: int, project: Path) -> documents.Lint:
    """The document for --json. File names are relative to the project."""
    errors, warnings = count(problems)
    entries = [entry(p, file=_within(project, p)) for p in problems]
    return {"files": files, "errors": errors, "warnings": warnings, "problems": entries}


def write_sarif(file: Path, problems: Sequence[Problem], project: Path) -> None:
    """Write the problems as SARIF, with the rules that they break."""
    rules = {p.rule: about(p.rule) for p in problems}
    sarif.write(
        file,
        [sarif.rule(name, text, page=page) for name, (text, page) in sorted(rules.items())],
        [
            sarif.result(p.rule, p.level, f"{p.message}. {p.hint}", file=_within(project, p), line=p.line)
            for p in problems
        ],
    )


def annotation(problem: Problem, project: Path) -> str:
    """The workflow command that makes GitHub show the problem at its line."""
    properties = {"file": _within(project, problem), "line": str(problem.line), "title": problem.rule}
    parameters = ",".join(f"{name}={escaped(value, PROPERTY_ESCAPES)}" for name, value in properties.items())
    text = escaped(f"{problem.message}\n{problem.hint}", ESCAPES)
    return f"::{problem.level} {parameters}::{text}"


def escaped(text: str, escapes: dict[str, str]) -> str:
    """`text` with the characters in `escapes` replaced."""
    return "".join(escapes.get(character, character) for character in text)


def _within(project: Path, problem: Problem) -> str:
    return problem.file.relative_to(project).as_posix()
