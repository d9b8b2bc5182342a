"""Rows that a project keeps only so long, deleted in batches, each a short transaction of its own.

supabase/retention says which rows: NAME.sql picks and holds a batch of at most %(batch)s that are older than %(days)s
days; batch.sql deletes these %candidates% and tells how many went, how many went along, and after how many ms the first
was held; NAME_plan.sql tells what there is to delete.
"""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import MissingError, ProjectError, PushproofError
from pushproof.base.queries import query
from pushproof.base.reading import present, text_of
from pushproof.migrations.gate import BUSY
from pushproof.target.database import SETTLE, outlived, psycopg_error
from pushproof.target.overdue import ENDED, overdue

if TYPE_CHECKING:
    import psycopg

AIM_MS = 15  # of a batch; its rows are locked for as long
FEWEST = 10  # rows of a batch: of the first, when nobody knows yet what one takes, and where somebody holds the oldest
# Of a session that deletes: a row that goes along may be held by somebody, while those before it are held by us.
LOCK = "40ms"
PLACEHOLDER = re.compile(r"%%|%\((?:days|batch)\)s|%candidates%")
PATIENCE_SECONDS = 30  # without a batch
LIMIT_SECONDS = 900  # of a statement
PAUSE_SECONDS = 0.1
JOB = "pushproof retention "
JOB_ROWS = 50  # at most in a batch of a job, which does not look at the clock


@dataclass(frozen=True)
class RetentionRule:
    """What goes after how many days: the SQL that deletes a batch, and the SQL that tells what there is."""

    name: str
    days: int
    sql: str
    plan_sql: str

    @classmethod
    def of(cls, folder: Path, name: str, days: int) -> RetentionRule:
        """From the folder's files. Raises ProjectError where one is missing."""
        candidates = textwrap.indent(_read(folder / f"{name}.sql").rstrip(), "  ")
        sql = _read(folder / "batch.sql").replace("%candidates%", candidates)
        return cls(name, days, sql, _read(folder / f"{name}_plan.sql"))

    def plan(self, connection: psycopg.Connection[Any]) -> dict[str, Any]:
        """What there is to delete, by the names that the project's SQL gives it; the first is the number of rows.

        Raises ProjectError where its tables are not there or it answers anything else, SqlError.
        """
        file = f"{self.name}_plan.sql"
        rows = answers(connection, file, self.plan_sql, values={"days": self.days})
        if len(rows) != 1 or len(rows[0]) < 2 or not isinstance(next(iter(rows[0].values())), int):
            raise ProjectError(
                f"supabase/retention/{file} does not answer with one row: a number of rows, then more about them",
                "docs/operations.md shows what it holds",
            )
        return rows[0]

    def job(self, connection: psycopg.Connection[Any], batch: int) -> str:
        """The same as one statement for pg_cron, which commits after each batch."""
        import psycopg

        one = psycopg.ClientCursor(connection).mogrify(self.sql.encode(), {"days": self.days, "batch": batch})
        return query("upkeep/retention_job").replace("%batch%", one)


def answers(
    connection: psycopg.Connection[Any], file: str, sql: str, values: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """The rows of a select of supabase/retention. Raises ProjectError, SqlError."""
    import psycopg

    where = f"retention/{file}"
    try:
        with (
            overdue().watched(connection, LIMIT_SECONDS),
            connection.cursor(row_factory=psycopg.rows.dict_row) as cursor,
        ):
            cursor.execute(sql.encode(), values)
            return cursor.fetchall()
    except psycopg.errors.UndefinedTable as problem:
        raise ProjectError(
            f"{where}: {problem.diag.message_primary}", "`pushproof push` the migrations first"
        ) from None
    except psycopg.ProgrammingError as problem:
        if problem.sqlstate:
            raise psycopg_error(problem, where=where, sql=sql) from None
        raise ProjectError(f"{where} holds no select", "docs/operations.md shows what it holds") from None
    except psycopg.Error as problem:
        raise _explained(connection, problem, where, sql=sql) from None


def _explained(connection: psycopg.Connection[Any], problem: psycopg.Error, where: str, sql: str) -> PushproofError:
    return outlived(where) if connection in ENDED else psycopg_error(problem, where=where, sql=sql)


def _read(file: Path) -> str:
    if not present(file):
        raise ProjectError(f"there is no supabase/retention/{file.name}", "docs/operations.md shows what it holds")
    text = text_of(file, ProjectError)
    for number, line in enumerate(text.splitlines(), 1):
        if "%" in PLACEHOLDER.sub("", line):
            raise ProjectError(
                f"supabase/retention/{file.name} line {number} contains a % that is not a placeholder",
                "write %% for the sign itself; %(days)s, %(batch)s and %candidates% are known",
            )
    return text


@dataclass(frozen=True)
class Batch:
    """Rows that went in one transaction, what went along, and the milliseconds for which it held them."""

    deleted: int
    along: int
    milliseconds: float


def batches(connection: psycopg.Connection[Any], rule: RetentionRule, most: int) -> Iterator[Batch]:
    """Delete batch by batch, each committed when it is yielded, until nothing is left that nobody holds.

    Batches grow and shrink to hold their rows for AIM_MS, and never have more than `most`. Raises SqlError.
    """
    import psycopg

    fewest = size = min(FEWEST, most)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            done = _batch(connection, rule, size)
        except psycopg.Error as problem:
            if problem.sqlstate not in BUSY or time.monotonic() > until:
                raise _explained(connection, problem, f"retention/{rule.name}.sql", sql="") from None
            size = max(1, size // 2)
            time.sleep(PAUSE_SECONDS)
            continue
        if not done.deleted:
            return
        yield done
        size = max(fewest, min(most, 2 * size, int(size * AIM_MS / max(done.milliseconds, 1))))
        until = time.monotonic() + PATIENCE_SECONDS


def _batch(connection: psycopg.Connection[Any], rule: RetentionRule, size: int) -> Batch:
    """In one round trip, so that the network's time is not the locks'."""
    with overdue().watched(connection, LIMIT_SECONDS), connection.pipeline(), connection.transaction():
        done = connection.execute(rule.sql.encode(), {"days": rule.days, "batch": size})
        connection.execute(SETTLE)
        spent = connection.execute(query("upkeep/transaction_milliseconds"))
    (deleted, along, searched), (milliseconds,) = done.fetchone() or (0, 0, 0), spent.fetchone() or (0,)
    return Batch(deleted, along, float(milliseconds) - float(searched or 0))


def schedule(connection: psycopg.Connection[Any], rule: RetentionRule, most: int, when: str) -> None:
    """Install the deletion as a job of pg_cron, or change the one there is. Raises MissingError without pg_cron."""
    _require_cron(connection)
    values = {"name": JOB + rule.name, "when": when, "job": rule.job(connection, min(most, JOB_ROWS))}
    connection.execute(query("upkeep/cron_schedule"), values)


def unschedule(connection: psycopg.Connection[Any]) -> list[str]:
    """Remove our jobs; their names. Raises MissingError without pg_cron."""
    _require_cron(connection)
    return [name for (name,) in connection.execute(query("upkeep/cron_unschedule"), {"like": f"{JOB}%"}).fetchall()]


def _require_cron(connection: psycopg.Connection[Any]) -> None:
    if connection.execute("select pg_catalog.to_regclass('cron.job') is null").fetchone() == (True,):
        raise MissingError(
            "the target has no pg_cron",
            "hosted: Dashboard > Integrations > Cron, or `create extension pg_cron`; elsewhere run "
            "`pushproof retention` from a scheduler of your own",
        )
