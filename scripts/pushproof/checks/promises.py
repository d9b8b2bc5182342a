"""Run the checks of supabase/checks, one SQL file each, against a database.

A check is one read-only select that returns one row, `expected` and `found`, as text. It is red if they differ. The
header comment of the file is its documentation, the first line its title.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushproof.base.console import Console, counted, shown
from pushproof.base.errors import ProjectError
from pushproof.base.reading import sql_files
from pushproof.migrations.statements import read_sql
from pushproof.stack.run import Run
from pushproof.target.database import connect
from pushproof.target.overdue import ENDED, overdue
from pushproof.target.targets import Target

ONE_ROW = "one row with the columns expected, found"
LIMIT_SECONDS = 60  # of a check
IDLE = 0  # PQTRANS_IDLE of libpq
COPY = re.compile(r"(--.*\n|/\*(.|\n)*?\*/|\s)*copy\b", re.IGNORECASE)


@dataclass(frozen=True)
class CheckResult:
    """The result of one check: what it expected and what it found."""

    check: str
    title: str
    expected: str | None
    found: str | None
    ok: bool


def results_of(target: Target, folder: Path) -> list[CheckResult]:
    """Run the checks of `folder`, each in a read-only transaction with an empty search_path. Raises ProjectError."""
    import psycopg

    files = sql_files(folder, ProjectError)
    if not files:
        raise ProjectError(
            "there is no check in supabase/checks: nothing would be verified",
            "`pushproof init` writes a first one to supabase/checks; docs/checks.md shows the form",
        )
    with contextlib.ExitStack() as opened:

        def connect_again() -> Any:
            return opened.enter_context(connect(target, autocommit=False, limit=f"{LIMIT_SECONDS}s"))

        results, connection = [], connect_again()
        for file in files:
            try:
                results.append(result_of(connection, file))
            except psycopg.Error:
                if not connection.broken:
                    raise
                connection = connect_again()  # raises if the server is gone
                results.append(_red(file, "the check ended its own connection"))
            if connection.closed or connection.info.transaction_status != IDLE:
                connection = connect_again()
    return results


def result_of(connection: Any, file: Path) -> CheckResult:
    """Run one check. A check that fails to run, or returns anything but one row, `expected` and `found`, is red.

    The server accepts a single statement only: a second one could follow a `commit`, outside the read-only transaction.
    Raises psycopg.Error if the connection was lost, or if another session holds a lock.
    """
    import psycopg

    sql = read_sql(file)
    if COPY.match(sql):  # it would leave the connection in the middle of the copy
        return _red(file, "COPY", ONE_ROW)
    try:
        with overdue().watched(connection, LIMIT_SECONDS), connection.transaction(force_rollback=True):
            connection.execute("set local search_path = ''")
            connection.execute("set local transaction_read_only = on")
            cursor = connection.execute(sql.encode(), prepare=True)
            rows, columns = cursor.fetchall(), [column.name for column in cursor.description]
    except psycopg.Error as problem:
        if connection in ENDED:
            return _red(file, f"no answer in {LIMIT_SECONDS} s")
        if connection.broken or isinstance(problem, psycopg.errors.LockNotAvailable):  # neither is about the schema
            raise
        message = problem.diag.message_primary or str(problem)
        return _red(file, f"{message} (SQLSTATE {problem.sqlstate})" if problem.sqlstate else message)
    if len(rows) != 1 or sorted(columns) != ["expected", "found"]:
        return _red(file, f"{counted(len(rows), 'row')} with the columns {', '.join(columns)}", ONE_ROW)
    texts = (value if value is None or isinstance(value, str) else shown(value) for value in rows[0])
    expected, found = (text for _, text in sorted(zip(columns, texts, strict=True)))
    return CheckResult(
        check=file.stem,
        title=_title(sql),
        expected=expected,
        found=found,
        ok=expected is not None and expected == found,
    )


def _red(file: Path, found: str, expected: str | None = None) -> CheckResult:
    return CheckResult(check=file.stem, title=_title(read_sql(file)), expected=expected, found=found, ok=False)


def _title(sql: str) -> str:
    return sql.split("\n", 1)[0].removeprefix("--").strip()


def report_red(run: Run, results: list[CheckResult]) -> list[CheckResult]:
    """Print the red results and the number of green ones. Returns the red ones."""
    red = [r for r in results if not r.ok]
    if red:
        run.check()
    report(run.console, red)
    run.console.line(f"verify: {len(results) - len(red)} of {len(results)} checks are green", ok=not red)
    return red


def report(console: Console, results: list[CheckResult]) -> None:
    """Print one line for each check, and for a red one what it expected and found."""
    for result in results:
        if result.ok:
            console.line(f"{result.check}: {_short(result.found)}", ok=True)
        else:
            console.line(result.title, ok=False, head=f"{result.check}:")
            console.line(f"    expected {result.expected}\n    found    {result.found}")


def _short(text: str | None, limit: int = 90) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
