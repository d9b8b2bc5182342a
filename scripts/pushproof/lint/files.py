"""The files to lint, and the problems in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pushproof.lint.nodes import Name
from pushproof.migrations.files import Migration
from pushproof.migrations.statements import Statement, statements_of

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True)
class Problem:
    """A problem of one line: what is wrong, in `message`, and what to do, in `hint`."""

    file: Path
    line: int
    rule: str
    level: str
    message: str
    hint: str


@dataclass(frozen=True)
class File:
    """A migration and its statements."""

    path: Path
    sql: str
    statements: tuple[Statement, ...]

    @classmethod
    def of(cls, migration: Migration) -> File:
        """The parsed file of a migration. Raises ProjectError if it cannot be read."""
        return cls(migration.path, migration.sql, statements_of(migration.sql))

    def kinds(self, *names: str) -> Iterator[Statement]:
        """The statements whose nodes have one of these type names, such as CreateStmt."""
        return (s for s in self.statements if type(s.node).__name__ in names)


@dataclass(frozen=True)
class Project:
    """The files to lint, in their order, the earlier files, and what the API exposes.

    `together`: one push applies all linted files, so that a table made by one is empty for the others.
    """

    linted: tuple[File, ...]
    earlier: tuple[File, ...] = ()
    schemas: frozenset[str] = frozenset({"public"})
    auto_expose: bool = False
    together: bool = True

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of all files, in the order in which they run."""
        return tuple(s for file in (*self.earlier, *self.linted) for s in file.statements)

    @cached_property
    def _places(self) -> dict[int, int]:
        return {id(s): place for place, s in enumerate(self.statements)}

    def before(self, statement: Statement) -> tuple[Statement, ...]:
        """The statements that run before this one."""
        return self.statements[: self._places[id(statement)]]

    def after(self, statement: Statement) -> tuple[Statement, ...]:
        """The statements that run after this one."""
        return self.statements[self._places[id(statement)] + 1 :]

    def shows(self, name: Name, statement: Statement, *, until: Callable[[Any, Name], bool]) -> bool:
        """Whether the API exposes `name` after `statement`, and no later node has `until(node, name)` true."""
        return name.schema in self.schemas and not any(until(later.node, name) for later in self.after(statement))


def last_line(statement: Statement) -> int:
    """The line on which the statement ends."""
    return statement.line + statement.sql.count("\n")
