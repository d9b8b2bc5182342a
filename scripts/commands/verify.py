"""`invoke verify`: the promises of supabase/checks held against the target, one SQL file each.

A check is one read-only select that returns one row, `expected` and `found`, as text; it is red when
they differ. The file's header comment is its documentation, the first line its title.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scripts.boundary import Run
from scripts.database import connect
from scripts.errors import FailedError, ProjectError
from scripts.targets import Target


@dataclass(frozen=True)
class Verdict:
    """One check: what was promised, what was found."""

    check: str
    title: str
    expected: str | None
    found: str | None
    ok: bool


def verify(run: Run) -> list[Verdict]:
    """Every check of the project. Raises FailedError when one is red, ProjectError where there is none."""
    verdicts = verdicts_of(run.target, run.settings.supabase_dir / "checks")
    report(run, verdicts)
    run.console.data([asdict(v) for v in verdicts])
    red = [v.check for v in verdicts if not v.ok]
    if red:
        raise FailedError(
            f"{len(red)} of {len(verdicts)} checks are red: {', '.join(red)}",
            "compare expected with found above; `invoke migrations` shows what is pushed",
        )
    return verdicts


def verdicts_of(target: Target, folder: Path) -> list[Verdict]:
    """Run the checks of `folder`, each in a read-only transaction with an empty search_path."""
    files = sorted(folder.glob("*.sql"))
    if not files:
        raise ProjectError(
            "there is no check in supabase/checks: nothing would be verified",
            "add one, such as supabase/checks/tables.sql; docs/checks.md shows the form",
        )
    with connect(target, autocommit=False) as connection:
        return [verdict_of(connection, file) for file in files]


def verdict_of(connection: Any, file: Path) -> Verdict:
    """Run one check. A check that fails to run, or answers anything but one row, is red."""
    import psycopg

    sql = file.read_text(encoding="utf-8")
    title = sql.split("\n", 1)[0].removeprefix("--").strip()
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("set local search_path = ''")
            connection.execute("set local transaction_read_only = on")
            rows = connection.execute(sql.encode()).fetchall()
    except psycopg.Error as problem:
        words = problem.diag.message_primary or str(problem)
        return Verdict(file.stem, title, None, f"{words} (SQLSTATE {problem.sqlstate})", ok=False)
    if len(rows) != 1 or len(rows[0]) != 2:
        return Verdict(file.stem, title, "one row: expected, found", f"{len(rows)} rows", ok=False)
    expected, found = rows[0]
    return Verdict(file.stem, title, expected, found, ok=expected is not None and expected == found)


def report(run: Run, verdicts: list[Verdict]) -> None:
    """One line a check; a red one with what was expected and found."""
    for v in verdicts:
        if v.ok:
            run.console.line(f"{v.check}: {_short(v.found)}", ok=True)
        else:
            run.console.line(v.title, ok=False, head=f"{v.check}:")
            run.console.line(f"    expected {v.expected}\n    found    {v.found}")


def _short(text: str | None, limit: int = 90) -> str:
    line = " ".join((text or "").split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
