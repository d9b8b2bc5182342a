"""Migrations: the files in supabase/migrations, the history in the database, and whether they agree.

The CLI matches them by version alone (an edited file is "up to date"), so contents are compared here,
token by token: white space, comments and semicolons may differ, as the CLI's own splitting makes them.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import ProjectError
from pushproof.base.queries import query
from pushproof.migrations.statements import (
    Unrunnable,
    lasting_role,
    read_sql,
    tokens,
    transaction_statement,
    unrunnable,
)

if TYPE_CHECKING:
    import psycopg

FILE_NAME = re.compile(r"^([0-9]+)_([^\n\udc80-\udcff]*)\.sql$")  # the CLI skips or refuses every other file
TIMESTAMP_WIDTH = 14
BETWEEN = "; \t\r\n\v\f\x85\xa0"  # what the CLI drops around a statement
NAMING = "name it VERSION_words.sql, the version in digits as wide as the others, such as 033_add_tags.sql"


@dataclass(frozen=True)
class Migration:
    """One file of supabase/migrations."""

    version: str
    name: str
    path: Path

    @property
    def sql(self) -> str:
        return read_sql(self.path)


@dataclass(frozen=True)
class Applied:
    """One row of the history, with the statements that were applied."""

    version: str
    name: str
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Pairing:
    """A version, here and there.

    `twin` is the version under which the other side holds the same statements; `late`, of a file that sorts before
    what is applied, the last applied version.
    """

    version: str
    local: Migration | None
    applied: Applied | None
    twin: str = ""
    late: str = ""

    @property
    def state(self) -> str:
        """pending or late (no row), foreign (no file), moved (there under `twin`), edited or applied."""
        if self.twin:
            return "moved"
        if self.applied is None:
            return "late" if self.late else "pending"
        if self.local is None:
            return "foreign"
        # Rows written by `migration repair` of old CLIs hold no statements: nothing to compare.
        return "applied" if not self.applied.statements or same(self.local.sql, self.applied.statements) else "edited"


def local_migrations(folder: Path) -> tuple[Migration, ...]:
    """The files in the order of their versions.

    Raises ProjectError for a folder that is missing or cannot be read, and for a file that is misnamed, twice there,
    of another width than the others, or cannot be read.
    """
    found = []
    for file in _listed(folder):
        if file.suffix.lower() != ".sql":
            continue
        if not (match := FILE_NAME.match(file.name)):
            name = os.fsencode(file.name).decode(errors="backslashreplace")
            raise ProjectError(f"{name} is not a migration's name: the CLI would skip it", NAMING)
        read_sql(file)
        found.append(Migration(match[1], match[2], file))
    _check_versions(found)
    return tuple(found)


def refuse_none(folder: Path, found: Sequence[Migration]) -> None:
    """Raise ProjectError where there is no migration: nothing would be green."""
    if not found:
        others = ", ".join(file.name for file in _listed(folder))
        raise ProjectError(
            f"there is no migration in {folder}",
            f"{NAMING}; `supabase migration new NAME` makes one",
            details=f"found instead: {others}" if others else "",
        )


def _listed(folder: Path) -> list[Path]:
    """What is in it, by name."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        beside = [file.name for file in folder.parent.iterdir()] if folder.parent.is_dir() else []
        close = difflib.get_close_matches(folder.name, beside, n=1)
        hint = (
            f"is {folder.with_name(close[0])} meant? Rename it" if close else "`supabase migration new NAME` makes it"
        )
        raise ProjectError(f"there is no folder {folder}", hint) from None
    except OSError as problem:
        none = isinstance(problem, NotADirectoryError)
        hint = "put a folder in its place" if none else "let whoever runs this read it"
        raise ProjectError(f"cannot read {folder}: {problem.strerror}", hint) from None


def _check_versions(found: list[Migration]) -> None:
    by_version: dict[int, Migration] = {}
    for migration in found:
        if twin := by_version.get(int(migration.version)):
            raise ProjectError(
                f"{twin.path.name} and {migration.path.name} have the same version",
                "give the later one the next free number",
            )
        by_version[int(migration.version)] = migration
    # Timestamps may follow numbers; anything else of another width sorts where nobody expects it.
    widths = [len(m.version) for m in found if len(m.version) != TIMESTAMP_WIDTH]
    usual = max(set(widths), key=widths.count) if widths else TIMESTAMP_WIDTH
    for migration in found:
        if len(migration.version) not in (usual, TIMESTAMP_WIDTH):
            raise ProjectError(
                f"{migration.path.name}: its version has {len(migration.version)} digits, others {usual}, "
                "and they are ordered as text",
                NAMING,
            )


def check_contents(migrations: Iterable[Migration]) -> None:
    """Raise ProjectError for files that end the transaction which the CLI makes of each, hold what is not SQL, or leave
    another role in force; the first is the cause, the others are details.
    """
    wrong = [(f"{m.path.name} line {one.line} {one.cause}", one.hint) for m in migrations for one in _offences(m.sql)]
    if wrong:
        (cause, hint), *others = wrong
        raise ProjectError(cause, hint, details="\n".join(words for words, _ in others))


def _offences(sql: str) -> Iterator[Unrunnable]:
    if found := transaction_statement(sql):
        line, words = found
        hint = "leave it out: the CLI runs each file in one transaction of its own"
        yield Unrunnable(line, f"has its own `{words}`", hint)
    yield from unrunnable(sql)
    if role := lasting_role(sql):
        yield role


def read_history(connection: psycopg.Connection[tuple[Any, ...]]) -> tuple[Applied, ...]:
    """The applied migrations by version; empty where nothing was ever pushed."""
    exists = connection.execute(query("migrations/history_exists")).fetchone()
    if not exists or not exists[0]:
        return ()
    rows = connection.execute(query("migrations/history")).fetchall()
    return tuple(Applied(version, name, tuple(statements)) for version, name, statements in rows)


def pair(local: Iterable[Migration], history: Iterable[Applied]) -> tuple[Pairing, ...]:
    """Files and history side by side, in the order of versions."""
    here = {m.version: m for m in local}
    there = {a.version: a for a in history}
    last = max(there, default="")
    alone = [here[v] for v in here.keys() - there.keys()]
    twins: dict[str, str] = {}
    for version in sorted(there.keys() - here.keys()):
        statements = there[version].statements
        if statements and (twin := next((m.version for m in alone if same(m.sql, statements)), "")):
            twins |= {version: twin, twin: version}
    return tuple(
        Pairing(
            version=v,
            local=here.get(v),
            applied=there.get(v),
            twin=twins.get(v, ""),
            late=last if v not in there and v < last else "",
        )
        for v in sorted(here.keys() | there.keys())
    )


def same(sql: str, statements: Iterable[str]) -> bool:
    """Whether a file holds these statements: to the letter, as it nearly always does, or else token by token.

    A file is read with line ends of one kind, and recorded with those that it has.
    """
    statements = [statement.replace("\r\n", "\n").replace("\r", "\n") for statement in statements]
    place = 0
    for statement in statements:
        while sql[place : place + 1] and sql[place] in BETWEEN:
            place += 1
        if not sql.startswith(statement, place):
            return fingerprint(sql) == fingerprint(joined(statements))
        place += len(statement)
    return not sql[place:].strip(BETWEEN) or fingerprint(sql) == fingerprint(joined(statements))


def joined(statements: Iterable[str]) -> str:
    """One text of them; a comment at the end of one hides no semicolon."""
    return "".join(one + ("\n;\n" if "--" in one.rpartition("\n")[2] else ";\n") for one in statements)


def fingerprint(sql: str) -> str:
    """A digest of the tokens of `sql`."""
    import pglast

    try:
        words = [sql[where] for where in tokens(sql)]
    except pglast.parser.ParseError:
        words = sql.split()
    return hashlib.sha256("\0".join(word for word in words if word != ";").encode()).hexdigest()
