"""One file to paste into the dashboard's SQL editor: pending migrations, their history rows, and the verification."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pushproof.base.errors import ProjectError
from pushproof.base.queries import query
from pushproof.base.resources import resource
from pushproof.migrations.files import Migration, check_contents
from pushproof.migrations.statements import runs_alone, statements_of, tokens

PARTS = resource(__package__, "bundle")


def bundle_of(pending: Sequence[Migration], applied: Sequence[str], checks: Sequence[Path]) -> str:
    """The text of the bundle, for a target whose history holds the versions in `applied`.

    Raises ProjectError for a file that cannot run in one transaction with the others.
    """
    check_contents(pending)
    added: set[str] = set()
    for migration in pending:
        for statement in statements_of(migration.sql):
            if used := next((value for value in added if value in statement.sql), ""):
                raise ProjectError(
                    f"{migration.path.name} line {statement.line} uses {used}, which the same bundle adds to its type",
                    "bundle up to the migration that adds it, and the rest in a second bundle",
                )
            if value := getattr(statement.node, "newVal", None):
                added.add(f"'{value}'")
            if runs_alone(statement.node):
                raise ProjectError(
                    f"{migration.path.name} line {statement.line} cannot run in a transaction: {statement.title}",
                    "bundle what comes before it, and paste that statement alone",
                )
    bundled = _array(m.version for m in pending)
    parts = [
        _header(pending, applied),
        _part("open", history_table=query("migrations/history_table") + ";", expected=_array(applied), bundled=bundled),
        *(_migration(m) for m in pending),
        *([_part("verify", checks=",\n".join(map(_check, checks)))] if checks else []),
        _part("close", bundled=bundled),
    ]
    return "\n".join(parts)


def _header(pending: Sequence[Migration], applied: Sequence[str]) -> str:
    last = f"whose last applied migration is {applied[-1]}" if applied else "to which no migration was applied"
    files = "\n".join(f"--   {m.path.name}" for m in pending)
    return f"""\
-- For a project {last}. Paste all of it into the SQL editor and run it: it runs completely or not at all.
-- On a project in another state it refuses, and running it twice changes nothing.
{files}
"""


def _migration(migration: Migration) -> str:
    statements = ",\n".join(_quoted(s.sql) for s in statements_of(migration.sql))
    text = migration.sql.strip()
    last = tokens(text)[-1:]
    ended = not last or text[last[0]] == ";"  # otherwise a comment may be last
    return f"""\
-- {migration.path.name}
reset all; set local lock_timeout = '5s'; -- no setting of one file reaches the next
{text}{"" if ended else f"{chr(10)};"}

insert into supabase_migrations.schema_migrations (version, name, statements) values (
{_quoted(migration.version)}, {_quoted(migration.name)}, array[
{statements}
]::text[]);
"""  # noqa: S608 - every literal is quoted


def _check(file: Path) -> str:
    return f"    ({_quoted(file.stem)}, {_quoted(file.read_text(encoding='utf-8').strip())})"


def _part(name: str, **values: str) -> str:
    """A template of the folder with its values; other braces are left as they are."""
    text = (PARTS / f"{name}.sql").read_text()
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    return text


def _array(versions: Iterable[str]) -> str:
    return f"array[{', '.join(map(_quoted, versions))}]::text[]"


def _quoted(text: str) -> str:
    """A string literal: one line in single quotes, several lines in dollar quotes with a tag made from their hash."""
    if "\n" not in text and "\\" not in text:
        return "'" + text.replace("'", "''") + "'"
    tag = f"$b{hashlib.sha256(text.encode()).hexdigest()[:6]}$"
    return f"{tag}{text}{tag}"
