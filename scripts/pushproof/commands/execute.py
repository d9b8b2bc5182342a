"""`pushproof execute`: run SQL on the target, in one transaction."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import ProjectError, UsageError
from pushproof.migrations.gate import turn
from pushproof.migrations.statements import count_statements, transaction_statement, unrunnable
from pushproof.stack import local
from pushproof.stack.run import Run
from pushproof.target.database import SETTLE, connect, outlived, psycopg_error
from pushproof.target.overdue import ENDED, limit_statements, overdue
from pushproof.target.targets import Target

if TYPE_CHECKING:
    from pushproof.base import documents

# Types with values that Python cannot represent, such as infinity: shown as the server's text.
TEXT_TYPES = ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "bytea")


def execute(run: Run, *, file: str, sql: str) -> list[documents.Result]:
    """Run the statements of `file` or `sql`. Returns {tag, columns, rows} of each; rows is None if it has none.

    There is no `supabase db execute`, and `supabase db query` takes one statement. Several statements go through a
    database connection, in one transaction. The output says which of the two was used. Raises UsageError, ProjectError
    for a transaction statement or a command of psql, SqlError.
    """
    text, where = _source(file, sql)
    count = count_statements(text)
    if count == 0:
        raise UsageError(f"{where} holds no statement", "give --file F or --sql '…' something to run")
    if control := transaction_statement(text):
        raise ProjectError(
            f"{where} line {control[0]} has its own `{control[1]}`",
            "leave it out: everything here runs in one transaction",
        )
    if problem := next(unrunnable(text), None):
        raise ProjectError(f"{where} line {problem.line} {problem.cause}", problem.hint)
    target = run.target
    with turn(run, "execute", shared=True):
        if count is not None and count > 1:
            run.console.status(f"{count} statements: through a database connection")
            results = _through_connection(target, text, where, count=count, limit=run.settings.statement_timeout)
        else:
            run.console.status("one statement: supabase db query")
            results = _through_cli(run, text, where)
    _show(run, results)
    return results


def _source(file: str, sql: str) -> tuple[str, str]:
    if bool(file) == bool(sql):
        raise UsageError("execute takes either --file or --sql", "`pushproof execute --sql 'select 1'`")
    if sql:
        return sql, "--sql"
    try:
        text = Path(file).read_text(encoding="utf-8")
        if "\0" not in text:
            return text, Path(file).name
        cause = "it is not text"
    except (OSError, UnicodeDecodeError) as problem:
        cause = (isinstance(problem, OSError) and problem.strerror) or "it is not UTF-8 text"
    raise UsageError(f"cannot read {file}: {cause}", "name a file of SQL statements, in UTF-8")


def _through_connection(target: Target, text: str, where: str, count: int, limit: str) -> list[documents.Result]:
    """Run the statements in one transaction. `limit` applies to each statement, and to the commit."""
    import psycopg

    results: list[documents.Result] = []
    with connect(target, autocommit=False, limit=limit) as connection:
        for kind in TEXT_TYPES:
            connection.adapters.register_loader(kind, psycopg.types.string.TextLoader)
        seconds = limit_statements(connection, limit, [text])
        try:
            with overdue().watched(connection, (count + 1) * seconds):
                cursor = connection.execute(text.encode())
                while True:
                    results.append(_result_of(cursor))
                    if not cursor.nextset():
                        break
                connection.execute(SETTLE)
                connection.commit()
        except psycopg.Error as problem:
            if connection in ENDED:
                raise outlived(where) from None
            raise psycopg_error(problem, where=where, sql=text) from None
    return results


def _result_of(cursor: Any) -> documents.Result:
    names = _distinct([column.name for column in cursor.description or ()])
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else None
    return {"tag": cursor.statusmessage, "columns": names, "rows": rows}


def _through_cli(run: Run, text: str, where: str) -> list[documents.Result]:
    target = run.target
    columns = _described(target, text, where)
    with tempfile.TemporaryDirectory() as folder:  # other users can read argv, but not this file
        copy = Path(folder) / "query.sql"
        copy.touch(mode=0o600)
        copy.write_text(text, encoding="utf-8")
        answer = local.cli(run.settings, run.console).query(
            target, copy, where=where, limit=run.settings.statement_timeout
        )
    if isinstance(answer, str):
        return [{"tag": answer, "columns": columns, "rows": None}]
    rows = [{name: row.get(name) for name in columns} for row in answer]
    return [{"tag": f"{len(rows)} rows", "columns": columns, "rows": rows}]


def _described(target: Target, text: str, where: str) -> list[str]:
    """The columns in the statement's order, without running it. Raises SqlError with the SQLSTATE.

    The CLI sorts columns by name, shows none for an empty result, and reports no SQLSTATE.
    """
    import psycopg

    with connect(target) as connection:
        # Not `prepare`, which no signal interrupts while it waits for a lock.
        connection.pgconn.send_prepare(b"", text.encode())
        [prepared] = connection.wait(psycopg.generators.execute(connection.pgconn))
        if prepared.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise psycopg_error(psycopg.errors.error_from_result(prepared), where=where, sql=text)
        description = connection.pgconn.describe_prepared(b"")
    return _distinct([(description.fname(n) or b"").decode() for n in range(description.nfields)])


def _distinct(columns: list[str]) -> list[str]:
    """The columns. Raises UsageError for a repeated name: rows are JSON objects, which would lose one column."""
    if names := sorted({name for name in columns if columns.count(name) > 1}):
        raise UsageError(f"two columns are named {', '.join(names)}", "name each differently: select a.id as a_id, …")
    return columns


def _show(run: Run, results: list[documents.Result]) -> None:
    for result in results:
        rows = result["rows"]
        if rows is None:
            run.console.line(result["tag"] or "done")
        else:
            run.console.table(result["columns"], (list(row.values()) for row in rows))
            run.console.line(f"({len(rows)} row{'' if len(rows) == 1 else 's'})")
    run.console.data(results)
