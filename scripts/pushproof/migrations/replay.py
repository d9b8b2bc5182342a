"""Run migrations on a scratch database as the CLI does: one transaction for each file and its history row."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pushproof.base.errors import SqlError
from pushproof.base.queries import query
from pushproof.migrations.files import Applied, joined
from pushproof.migrations.locks import BLOCKS, STRENGTH
from pushproof.migrations.statements import Statement, runs_alone, statements_of
from pushproof.target.database import LIMIT, SETTLE, outlived, psycopg_error
from pushproof.target.overdue import ENDED, limit_statements, overdue


@dataclass(frozen=True)
class Script:
    """A migration's statements. `where` names their file in messages."""

    version: str
    name: str
    where: str
    statements: tuple[Statement, ...]


@dataclass
class Timing:
    """One run of a script: for each statement its seconds and the new locks that block others, as (relation, mode).

    `held` maps each locked relation to what its lock blocks and for how many seconds.
    """

    script: Script
    seconds: list[float] = field(default_factory=list)
    locks: list[list[tuple[str, str]]] = field(default_factory=list)
    held: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Seconds of all statements together."""
        return sum(self.seconds)


# Called with the error of a statement that failed; returns whether to go on without it.
OnError = Callable[[Script, Statement, Any], bool]


def script_of(version: str, name: str, where: str, sql: str | Sequence[str]) -> Script:
    """Make a script from the text of a file, or from the statements in the history."""
    texts = [sql] if isinstance(sql, str) else sql
    return Script(
        version=version, name=name, where=where, statements=tuple(s for text in texts for s in statements_of(text))
    )


def rebuild(source: Any, scratch: Any, history: Iterable[Applied], folder: Path) -> list[str]:
    """Replay a history on `scratch`, with the default privileges of `source`, the database that recorded it.

    Old CLIs recorded no statements: for such rows the files in `folder` are read. Returns a line for each statement
    that failed and was skipped.
    """
    gaps: list[str] = []

    def on_error(script: Script, statement: Statement, problem: Any) -> bool:
        gaps.append(f"{script.where}:{statement.line} {problem.diag.message_primary}")
        return True

    exposes = source.execute(query("migrations/exposes_by_default")).fetchone()
    if exposes and exposes[0]:
        scratch.execute(query("migrations/auto_expose"))
    files = {file.name.split("_")[0]: file for file in folder.glob("*.sql")}
    scratch.execute(query("migrations/history_table"))
    for applied in history:
        texts = list(applied.statements)
        if not texts and applied.version in files:
            texts = [files[applied.version].read_text(encoding="utf-8")]
        if not _at_once(scratch, applied, texts):
            script = script_of(applied.version, applied.name, f"{applied.version}_{applied.name}", sql=texts)
            replay(scratch, script, on_error=on_error)
    return gaps


def _at_once(scratch: Any, applied: Applied, texts: list[str]) -> bool:
    """Run a whole file in one round trip. If the server refuses any of it, nothing is done and the answer is False."""
    import psycopg

    seconds = _reset_settings(scratch, LIMIT, texts)
    try:
        with scratch.transaction(), overdue().watched(scratch, seconds):
            scratch.execute(joined(texts).encode())
            scratch.execute(SETTLE)
            _record(scratch, applied.version, applied.name, texts=texts)
    except (psycopg.Error, SqlError):
        if scratch in ENDED:
            raise outlived(f"{applied.version}_{applied.name}") from None
        return False
    return True


def _reset_settings(connection: Any, limit: str, texts: Iterable[str]) -> float:
    """Reset what the file before has set. Returns the seconds that a statement of this one may take."""
    connection.execute("reset all")
    return limit_statements(connection, limit, texts)


def _record(connection: Any, version: str, name: str, texts: list[str]) -> None:
    """Add the history row of a file. Raises SqlError if the file removed or changed the history table."""
    import psycopg

    try:
        connection.execute(query("migrations/history_record"), {"version": version, "name": name, "statements": texts})
    except psycopg.Error as problem:
        error = psycopg_error(problem, where=f"the history's row of {version}_{name}")
        error.hint = "the file changes supabase_migrations, where each push records its files: take that out"
        raise error from None


def replay(connection: Any, script: Script, *, on_error: OnError | None = None, limit: str = LIMIT) -> Timing:
    """Run a script on an autocommit connection and add its history row.

    `limit` is the time limit of a statement, as PostgreSQL writes it. Raises SqlError for a statement that fails,
    unless `on_error` returns True for it.
    """
    timing = Timing(script)
    seconds = _reset_settings(connection, limit, (s.sql for s in script.statements))
    connection.execute(query("migrations/history_table"))
    since: dict[tuple[str, str], float] = {}
    whole = not any(runs_alone(s.node) for s in script.statements)
    with connection.transaction() if whole else contextlib.nullcontext():
        for statement in script.statements:
            started = time.monotonic()
            with overdue().watched(connection, seconds):
                _run(connection, script, statement, on_error=on_error, whole=whole)
            now = time.monotonic()
            timing.seconds.append(now - started)
            taken = connection.execute(query("migrations/own_locks")).fetchall() if whole else []
            timing.locks.append([lock for lock in taken if lock not in since])
            since |= dict.fromkeys(timing.locks[-1], started)
        if whole:
            _settle(connection, script, seconds)
        _record(connection, script.version, script.name, texts=[s.sql for s in script.statements])
    ended = time.monotonic()
    for (relation, mode), start in sorted(since.items(), key=lambda lock: STRENGTH.index(lock[0][1])):
        timing.held[relation] = BLOCKS[mode], ended - start
    return timing


def _settle(connection: Any, script: Script, seconds: float) -> None:
    """Run the deferred checks now: a statement has a time limit, COMMIT has none."""
    import psycopg

    try:
        with overdue().watched(connection, seconds):
            connection.execute(SETTLE)
    except psycopg.Error as problem:
        if connection in ENDED:
            raise outlived(script.where) from None
        raise psycopg_error(problem, where=script.where) from None


def _run(connection: Any, script: Script, statement: Statement, on_error: OnError | None, *, whole: bool) -> None:
    import psycopg

    guarded = connection.transaction() if whole and on_error else contextlib.nullcontext()
    try:
        with guarded:
            connection.execute(statement.sql.encode())
    except psycopg.Error as problem:
        if connection in ENDED:
            raise outlived(f"{script.where}:{statement.line}") from None
        if not (on_error and on_error(script, statement, problem)):
            raise psycopg_error(problem, where=f"{script.where}:{statement.line}") from None
