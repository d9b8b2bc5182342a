"""Delete old rows in batches, each in a short transaction of its own.

The files of supabase/retention define the rows. NAME.sql selects and locks at most %(batch)s rows that are older than
%(days)s days. batch.sql deletes these %candidates% and returns the number of deleted rows, the number of rows deleted
with them, and the milliseconds before the first lock. NAME_plan.sql returns what there is to delete.
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

AIM_MS = 15  # for a batch, whose rows are locked for this time
FEWEST = 10  # rows of the first batch, and the least that later ones are reduced to by their time
# Lock time-out of the session that deletes: it may wait for a dependent row while it locks others.
LOCK = "40ms"
PLACEHOLDER = re.compile(r"%%|%\((?:days|batch)\)s|%candidates%")
PATIENCE_SECONDS = 30  # to retry without a successful batch
LIMIT_SECONDS = 900  # for one statement
PAUSE_SECONDS = 0.1
JOB = "pushproof retention "
JOB_ROWS = 50  # at most, in a batch of a job, which does not measure time


@dataclass(frozen=True)
class RetentionRule:
    """The rows to delete after `days` days: the SQL that deletes a batch, and the SQL that returns what there is."""

    name: str
    days: int
    sql: str
    plan_sql: str

    @classmethod
    def of(cls, folder: Path, name: str, days: int) -> RetentionRule:
        """Read the files of the rule `name`. Raises ProjectError if one is missing or wrong."""
        candidates = textwrap.indent(_read(folder / f"{name}.sql").rstrip(), "  ")
        sql = _read(folder / "batch.sql").replace("%candidates%", candidates)
        return cls(name, days, sql, _read(folder / f"{name}_plan.sql"))

    def plan(self, connection: psycopg.Connection[Any]) -> dict[str, Any]:
        """What there is to delete: the columns of the project's SQL, the first of which is the number of rows.

        Raises ProjectError if its tables are missing or it returns anything else, SqlError.
        """
        file = f"{self.name}_plan.sql"
        rows = answers(connection, file, self.plan_sql, values={"days": self.days})
        if len(rows) != 1 or len(rows[0]) < 2 or not isinstance(next(iter(rows[0].values())), int):
            raise ProjectError(
                f"supabase/retention/{file} does not return one row with a number of rows and another column",
                "docs/operations.md shows what it holds",
            )
        return rows[0]

    def job(self, connection: psycopg.Connection[Any], batch: int) -> str:
        """The deletion as one statement for pg_cron, which commits after each batch."""
        import psycopg

        statement = psycopg.ClientCursor(connection).mogrify(self.sql.encode(), {"days": self.days, "batch": batch})
        return query("upkeep/retention_job").replace("%batch%", statement)


def answers(
    connection: psycopg.Connection[Any], file: str, sql: str, values: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """The rows of a select in supabase/retention. Raises ProjectError, SqlError."""
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
                "write %% for a literal %; the placeholders are %(days)s, %(batch)s and %candidates%",
            )
    return text


@dataclass(frozen=True)
class Batch:
    """One transaction: the deleted rows, the rows deleted along with them, and the milliseconds of their locks."""

    deleted: int
    along: int
    milliseconds: float


def batches(connection: psycopg.Connection[Any], rule: RetentionRule, most: int) -> Iterator[Batch]:
    """Delete in batches until no rows are left but those that others have locked. A yielded batch is committed.

    The size changes so that rows are locked for AIM_MS, but is never more than `most`. Raises SqlError.
    """
    import psycopg

    fewest = size = min(FEWEST, most)
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            batch = _batch(connection, rule, size)
        except psycopg.Error as problem:
            if problem.sqlstate not in BUSY or time.monotonic() > until:
                raise _explained(connection, problem, f"retention/{rule.name}.sql", sql="") from None
            size = max(1, size // 2)
            time.sleep(PAUSE_SECONDS)
            continue
        if not batch.deleted:
            return
        yield batch
        size = max(fewest, min(most, 2 * size, int(size * AIM_MS / max(batch.milliseconds, 1))))
        until = time.monotonic() + PATIENCE_SECONDS


def _batch(connection: psycopg.Connection[Any], rule: RetentionRule, size: int) -> Batch:
    """Delete one batch in one round trip, so that locks do not last for the time of the network."""
    with overdue().watched(connection, LIMIT_SECONDS), connection.pipeline(), connection.transaction():
        done = connection.execute(rule.sql.encode(), {"days": rule.days, "batch": size})
        connection.execute(SETTLE)
        spent = connection.execute(query("upkeep/transaction_milliseconds"))
    (deleted, along, searched), (milliseconds,) = done.fetchone() or (0, 0, 0), spent.fetchone() or (0,)
    return Batch(deleted, along, float(milliseconds) - float(searched or 0))


def schedule(connection: psycopg.Connection[Any], rule: RetentionRule, most: int, when: str) -> None:
    """Create or replace the job of pg_cron that deletes the rows. Raises MissingError without pg_cron."""
    _require_cron(connection)
    values = {"name": JOB + rule.name, "when": when, "job": rule.job(connection, min(most, JOB_ROWS))}
    connection.execute(query("upkeep/cron_schedule"), values)


def unschedule(connection: psycopg.Connection[Any]) -> list[str]:
    """Remove the jobs of all rules, and return their names. Raises MissingError without pg_cron."""
    _require_cron(connection)
    return [name for (name,) in connection.execute(query("upkeep/cron_unschedule"), {"like": f"{JOB}%"}).fetchall()]


def _require_cron(connection: psycopg.Connection[Any]) -> None:
    if connection.execute("select pg_catalog.to_regclass('cron.job') is null").fetchone() == (True,):
        raise MissingError(
            "the target has no pg_cron",
            "hosted: Dashboard > Integrations > Cron, or `create extension pg_cron`; elsewhere run "
            "`pushproof retention` from a scheduler of your own",
        )
