"""The files that a project needs to use pushproof. Each is written only if the project has none of its kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pushproof.base.resources import resource

VERSION = "{version}"


@dataclass(frozen=True)
class Starter:
    """A file to begin with: the name of its text, its path in the project, and a pattern of files that replace it."""

    text: str
    path: str
    instead: str


STARTERS = (
    Starter("tasks.txt", "tasks.py", "tasks.py"),
    Starter("check.sql", "supabase/checks/rls_enabled.sql", "supabase/checks/*.sql"),
    Starter("test_users.txt", "tests/smoke/test_users.py", "tests/smoke/**/test_*.py"),
    Starter("env.txt", ".env.example", ".env.example"),
    Starter("workflow.txt", ".github/workflows/access.yml", ".github/workflows/access.y*ml"),
)


def write_missing(project: Path) -> Iterator[tuple[str, bool]]:
    """Write the missing files, and change no others. Yields each path, and whether it was written. Raises OSError."""
    for starter in STARTERS:
        there = next(project.glob(starter.instead), None)
        file = project / starter.path
        if there is None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as stream:
                stream.write(_text(starter))
        yield str((there or file).relative_to(project)), there is None


def _text(starter: Starter) -> str:
    text = resource(__package__, "scaffold", starter.text).read_text(encoding="utf-8")
    return text.replace(VERSION, metadata.version("pushproof"))
