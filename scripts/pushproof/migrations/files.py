"""Migrations: the files in supabase/migrations, the history in the database, and whether they agree.

The CLI compares versions alone: to it an edited file is up to date. So contents are compared here, token by token.
White space, comments and semicolons may differ, because the CLI drops some when it splits a file into statements.
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
BETWEEN = "; \t\r\n\v\f\x85\xa0"  # the CLI drops these around a statement
NAMING = "name it VERSION_words.sql, the version in digits as wide as the others, such as 033_add_tags.sql"


@dataclass(frozen=True)
class Migration:
    """One file of supabase/migrations."""

    version: str
    name: str
    path: Path

    @property
    def sql(self) -> str:
        """The text of the file. Raises ProjectError if it cannot be read."""
        return read_sql(self.path)


@dataclass(frozen=True)
class Applied:
    """One row of the history, with the statements that were applied."""

    version: str
    name: str
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Pairing:
    """A version, with its file and its history row.

    `twin` is the version under which the other side holds the same statements. `late` is the last applied version, for
    a pending file that sorts before it.
    """

    version: str
    local: Migration | None
    applied: Applied | None
    twin: str = ""
    late: str = ""

    @property
    def state(self) -> str:
        """pending or late (no row), foreign (no file), moved (the other side has it as `twin`), edited or applied."""
        if self.twin:
            return "moved"
        if self.applied is None:
            return "late" if self.late else "pending"
        if self.local is None:
            return "foreign"
        # Rows written by `migration repair` of old CLIs hold no statements to compare.
        return "applied" if not self.applied.statements or same(self.local.sql, self.applied.statements) else "edited"


def local_migrations(folder: Path) -> tuple[Migration, ...]:
    """The files in the order of their versions.

    Raises ProjectError for a folder that is missing or cannot be read, and for a file that cannot be read or has a
    wrong name, the version of another file, or a version of another width.
    """
    migrations = []
    for file in _listed(folder):
        if file.suffix.lower() != ".sql" or file.name.startswith("."):  # editors keep files of their own
            continue
        if not (match := FILE_NAME.match(file.name)):
            name = os.fsencode(file.name).decode(errors="backslashreplace")
            raise ProjectError(f"{name} is not a migration's name: the CLI would skip it", NAMING)
        read_sql(file)
        migrations.append(Migration(match[1], match[2], file))
    _check_versions(migrations)
    return tuple(migrations)


def refuse_none(folder: Path, migrations: Sequence[Migration]) -> None:
    """Raise ProjectError if there is no migration."""
    if not migrations:
        others = ", ".join(file.name for file in _listed(folder))
        raise ProjectError(
            f"there is no migration in {folder}",
            f"{NAMING}; `supabase migration new NAME` makes one",
            details=f"found instead: {others}" if others else "",
        )


def _listed(folder: Path) -> list[Path]:
    """The files of the folder in the order of their names. Raises ProjectError."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        siblings = [file.name for file in folder.parent.iterdir()] if folder.parent.is_dir() else []
        close = difflib.get_close_matches(folder.name, siblings, n=1)
        hint = (
            f"is {folder.with_name(close[0])} meant? Rename it" if close else "`supabase migration new NAME` makes it"
        )
        raise ProjectError(f"there is no folder {folder}", hint) from None
    except OSError as problem:
        is_file = isinstance(problem, NotADirectoryError)
        hint = "replace it by a folder" if is_file else "make it readable for the user that runs pushproof"
        raise ProjectError(f"cannot read {folder}: {problem.strerror}", hint) from None


def _check_versions(migrations: list[Migration]) -> None:
    by_version: dict[int, Migration] = {}
    for migration in migrations:
        if twin := by_version.get(int(migration.version)):
            raise ProjectError(
                f"{twin.path.name} and {migration.path.name} have the same version",
                "give the later one the next free number",
            )
        by_version[int(migration.version)] = migration
    # Timestamps may follow numbers. Any other width would sort in an unexpected place.
    widths = [len(m.version) for m in migrations if len(m.version) != TIMESTAMP_WIDTH]
    usual = max(set(widths), key=widths.count) if widths else TIMESTAMP_WIDTH
    for migration in migrations:
        if len(migration.version) not in (usual, TIMESTAMP_WIDTH):
            raise ProjectError(
                f"{migration.path.name}: its version has {len(migration.version)} digits, others {usual}, "
                "and they are ordered as text",
                NAMING,
            )


def check_contents(migrations: Iterable[Migration]) -> None:
    """Raise ProjectError for files that the CLI would not run as a whole, or that affect later files.

    They end the transaction in which the CLI runs each file, contain something that is not SQL, or leave another role
    in force. The first is the message, the others are the details.
    """
    errors = [(f"{m.path.name} line {e.line} {e.cause}", e.hint) for m in migrations for e in _errors(m.sql)]
    if errors:
        (cause, hint), *others = errors
        raise ProjectError(cause, hint, details="\n".join(text for text, _ in others))


def _errors(sql: str) -> Iterator[Unrunnable]:
    if statement := transaction_statement(sql):
        line, text = statement
        hint = "leave it out: the CLI runs each file in one transaction of its own"
        yield Unrunnable(line, f"has its own `{text}`", hint)
    yield from unrunnable(sql)
    if role := lasting_role(sql):
        yield role


def read_history(connection: psycopg.Connection[tuple[Any, ...]]) -> tuple[Applied, ...]:
    """The applied migrations in the order of their versions; empty if there is no history table."""
    exists = connection.execute(query("migrations/history_exists")).fetchone()
    if not exists or not exists[0]:
        return ()
    rows = connection.execute(query("migrations/history")).fetchall()
    return tuple(Applied(version, name, tuple(statements)) for version, name, statements in rows)


def pair(local: Iterable[Migration], history: Iterable[Applied]) -> tuple[Pairing, ...]:
    """Pair the files and the history rows by version, in the order of versions."""
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
    """Whether a file holds these statements. The texts are compared first, the tokens only if they differ.

    A file is read with unified line ends and recorded with its own, which are unified here.
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
    """The statements as one text. After a comment at the end of a statement the semicolon is on its own line."""
    return "".join(s + ("\n;\n" if "--" in s.rpartition("\n")[2] else ";\n") for s in statements)


def fingerprint(sql: str) -> str:
    """A digest of the tokens of `sql`."""
    import pglast

    try:
        parts = [sql[span] for span in tokens(sql)]
    except pglast.parser.ParseError:
        parts = sql.split()
    return hashlib.sha256("\0".join(part for part in parts if part != ";").encode()).hexdigest()
