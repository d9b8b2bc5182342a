"""What is linted, and what is found."""

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
    """What is wrong with a line: the cause in one sentence, and one remedy."""

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
        return cls(migration.path, migration.sql, statements_of(migration.sql))

    def kinds(self, *names: str) -> Iterator[Statement]:
        """The statements that the grammar calls by one of these names."""
        return (one for one in self.statements if type(one.node).__name__ in names)


@dataclass(frozen=True)
class Project:
    """The files to lint, in their order, and those before them; what the API shows of the schemas.

    `together`: one push applies all that are linted, so that a table which one makes is empty for the others.
    """

    linted: tuple[File, ...]
    earlier: tuple[File, ...] = ()
    schemas: frozenset[str] = frozenset({"public"})
    auto_expose: bool = False
    together: bool = True

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """All of them, as they run."""
        return tuple(one for file in (*self.earlier, *self.linted) for one in file.statements)

    @cached_property
    def _places(self) -> dict[int, int]:
        return {id(one): place for place, one in enumerate(self.statements)}

    def before(self, statement: Statement) -> tuple[Statement, ...]:
        """Those that run before one of these."""
        return self.statements[: self._places[id(statement)]]

    def after(self, statement: Statement) -> tuple[Statement, ...]:
        """Those that run after one of these."""
        return self.statements[self._places[id(statement)] + 1 :]

    def shows(self, name: Name, statement: Statement, *, until: Callable[[Any, Name], bool]) -> bool:
        """Whether the API shows what `statement` leaves of `name`, for no later one is what ends that."""
        return name.schema in self.schemas and not any(until(later.node, name) for later in self.after(statement))


def last_line(statement: Statement) -> int:
    """The line on which it ends."""
    return statement.line + statement.sql.count("\n")
