"""Migrations run on a scratch database as the CLI runs them: a transaction a file, its row of the history included."""

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
    """A migration's statements, and where they come from, for people."""

    version: str
    name: str
    where: str
    statements: tuple[Statement, ...]


@dataclass
class Timing:
    """What a file did: seconds and new locks that block others, by statement; how long each relation was held."""

    script: Script
    seconds: list[float] = field(default_factory=list)
    locks: list[list[tuple[str, str]]] = field(default_factory=list)
    held: dict[str, tuple[str, float]] = field(default_factory=dict)

    @property
    def total(self) -> float:
        return sum(self.seconds)


# Of a statement that fails: whether to go on without it.
Forgive = Callable[[Script, Statement, Any], bool]


def script_of(version: str, name: str, where: str, sql: str | Sequence[str]) -> Script:
    """From a file's text, or from the statements that a history holds."""
    texts = [sql] if isinstance(sql, str) else sql
    return Script(
        version=version, name=name, where=where, statements=tuple(s for text in texts for s in statements_of(text))
    )


def rebuild(source: Any, scratch: Any, history: Iterable[Applied], folder: Path) -> list[str]:
    """Replay a history on `scratch`, on default privileges like those of `source`, where it was recorded.

    `folder` has the files, for rows of old CLIs that hold no statements. What could not be done, in a line each.
    """
    gaps: list[str] = []

    def forgive(script: Script, statement: Statement, problem: Any) -> bool:
        gaps.append(f"{script.where}:{statement.line} {problem.diag.message_primary}")
        return True

    exposes = source.execute(query("migrations/exposes_by_default")).fetchone()
    if exposes and exposes[0]:
        scratch.execute(query("migrations/auto_expose"))
    files = {file.name.split("_")[0]: file for file in folder.glob("*.sql")}
    scratch.execute(query("migrations/history_table"))
    for one in history:
        texts = list(one.statements)
        if not texts and one.version in files:
            texts = [files[one.version].read_text(encoding="utf-8")]
        if not _at_once(scratch, one, texts):
            replay(scratch, script_of(one.version, one.name, f"{one.version}_{one.name}", sql=texts), forgive=forgive)
    return gaps


def _at_once(scratch: Any, one: Applied, texts: list[str]) -> bool:
    """Run a whole file in one round trip; False, and nothing done, where the server refuses any of it."""
    import psycopg

    seconds = _settings_anew(scratch, LIMIT, texts)
    try:
        with scratch.transaction(), overdue().watched(scratch, seconds):
            scratch.execute(joined(texts).encode())
            scratch.execute(SETTLE)
            _record(scratch, one.version, one.name, texts=texts)
    except (psycopg.Error, SqlError):
        if scratch in ENDED:
            raise outlived(f"{one.version}_{one.name}") from None
        return False
    return True


def _settings_anew(connection: Any, limit: str, texts: Iterable[str]) -> float:
    """No setting of one file reaches the next. Seconds that one of its statements may take."""
    connection.execute("reset all")
    return limit_statements(connection, limit, texts)


def _record(connection: Any, version: str, name: str, texts: list[str]) -> None:
    """Raises SqlError where the file took the history's table away."""
    import psycopg

    try:
        connection.execute(query("migrations/history_record"), {"version": version, "name": name, "statements": texts})
    except psycopg.Error as problem:
        error = psycopg_error(problem, where=f"the history's row of {version}_{name}")
        error.hint = "the file changes supabase_migrations, where each push records its files: take that out"
        raise error from None


def replay(connection: Any, script: Script, *, forgive: Forgive | None = None, limit: str = LIMIT) -> Timing:
    """Run a script and record it, on an autocommit connection; no statement runs longer than `limit`, as PostgreSQL
    writes it. Raises what the server's refusal means.
    """
    timing = Timing(script)
    seconds = _settings_anew(connection, limit, (s.sql for s in script.statements))
    connection.execute(query("migrations/history_table"))
    since: dict[tuple[str, str], float] = {}
    whole = not any(runs_alone(s.node) for s in script.statements)
    with connection.transaction() if whole else contextlib.nullcontext():
        for statement in script.statements:
            began = time.monotonic()
            with overdue().watched(connection, seconds):
                _run(connection, script, statement, forgive=forgive, whole=whole)
            now = time.monotonic()
            timing.seconds.append(now - began)
            taken = connection.execute(query("migrations/own_locks")).fetchall() if whole else []
            timing.locks.append([lock for lock in taken if lock not in since])
            since |= dict.fromkeys(timing.locks[-1], began)
        if whole:
            _settle(connection, script, seconds)
        _record(connection, script.version, script.name, texts=[s.sql for s in script.statements])
    ended = time.monotonic()
    for (relation, mode), start in sorted(since.items(), key=lambda lock: STRENGTH.index(lock[0][1])):
        timing.held[relation] = BLOCKS[mode], ended - start
    return timing


def _settle(connection: Any, script: Script, seconds: float) -> None:
    """Run what is deferred to the COMMIT, which knows no time limit, as a statement, which does."""
    import psycopg

    try:
        with overdue().watched(connection, seconds):
            connection.execute(SETTLE)
    except psycopg.Error as problem:
        if connection in ENDED:
            raise outlived(script.where) from None
        raise psycopg_error(problem, where=script.where) from None


def _run(connection: Any, script: Script, statement: Statement, forgive: Forgive | None, *, whole: bool) -> None:
    import psycopg

    guarded = connection.transaction() if whole and forgive else contextlib.nullcontext()
    try:
        with guarded:
            connection.execute(statement.sql.encode())
    except psycopg.Error as problem:
        if connection in ENDED:
            raise outlived(f"{script.where}:{statement.line}") from None
        if not (forgive and forgive(script, statement, problem)):
            raise psycopg_error(problem, where=f"{script.where}:{statement.line}") from None
