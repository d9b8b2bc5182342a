"""`invoke execute`: SQL against the target, in one transaction."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from scripts import local
from scripts.boundary import Run
from scripts.database import connect, psycopg_error
from scripts.errors import ProjectError, UsageError
from scripts.migrations import count_statements, transaction_statement

Result = dict[str, Any]


def execute(run: Run, *, file: str, sql: str) -> list[Result]:
    """Run the statements of `file` or `sql`; one {tag, rows} a statement.

    There is no `supabase db execute`. `supabase db query` takes one statement; several go through a
    database connection, and either all of them happen or none. The output says which way it went.
    Raises UsageError, ProjectError for a transaction statement, SqlError.
    """
    text, where = _source(file, sql)
    count = count_statements(text)
    if count == 0:
        raise UsageError(f"{where} holds no statement", "give --file F or --sql '…' something to run")
    if found := transaction_statement(text):
        raise ProjectError(
            f"{where} line {found[0]} has its own `{found[1]}`",
            "leave it out: everything here runs in one transaction",
        )
    several = count is not None and count > 1
    run.console.status(
        f"{count} statements: through a database connection" if several else "one statement: supabase db query"
    )
    results = _through_connection(run, text, where) if several else _through_cli(run, text, where)
    _show(run, results)
    return results


def _source(file: str, sql: str) -> tuple[str, str]:
    if bool(file) == bool(sql):
        raise UsageError("execute takes either --file or --sql", "invoke execute --sql 'select 1'")
    if sql:
        return sql, "--sql"
    try:
        return Path(file).read_text(encoding="utf-8"), Path(file).name
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"cannot read {file}: {problem.__class__.__name__}", "name a UTF-8 text file") from None


def _through_connection(run: Run, text: str, where: str) -> list[Result]:
    import psycopg

    results: list[Result] = []
    with connect(run.target, autocommit=False) as connection:
        try:
            cursor = connection.execute(text.encode())
            while True:
                results.append({"tag": cursor.statusmessage, "rows": _rows(cursor)})
                if not cursor.nextset():
                    break
            connection.commit()
        except psycopg.Error as problem:
            raise psycopg_error(problem, where=where) from None
    return results


def _rows(cursor: Any) -> list[dict[str, Any]] | None:
    if cursor.description is None:
        return None
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _through_cli(run: Run, text: str, where: str) -> list[Result]:
    target = run.target
    with tempfile.TemporaryDirectory() as folder:  # argv is readable by everybody, a file of ours is not
        copy = Path(folder) / "query.sql"
        copy.touch(mode=0o600)
        copy.write_text(text, encoding="utf-8")
        answer = local.cli(run.settings, run.console).query(target, copy, where=where)
    return [{"tag": answer, "rows": None} if isinstance(answer, str) else {"tag": None, "rows": answer}]


def _show(run: Run, results: list[Result]) -> None:
    for result in results:
        rows = result["rows"]
        if rows:
            run.console.table(list(rows[0]), (list(row.values()) for row in rows))
        elif rows is None:
            run.console.plain(result["tag"] or "done")
        if rows is not None:
            run.console.plain(f"({len(rows)} row{'' if len(rows) == 1 else 's'})")
    run.console.data(results)
