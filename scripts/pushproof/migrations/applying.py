"""Apply pending migrations with the Supabase CLI, and check the history afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pushproof.base.console import Console
from pushproof.base.errors import HistoryError, ProjectError, PushproofError
from pushproof.base.queries import query
from pushproof.base.settings import Settings
from pushproof.base.waiting import wait_until
from pushproof.migrations.files import Applied, Migration, check_contents, pair, read_history
from pushproof.migrations.gate import limits_of, patiently, warn_of_limits
from pushproof.migrations.history import troubles_of
from pushproof.migrations.statements import runs_alone, statements_of
from pushproof.stack import local
from pushproof.stack.embedded import section_of
from pushproof.target.database import connect
from pushproof.target.targets import Target

COMMITS = re.compile(r"do\b.*\bcommit\b|call\b", re.IGNORECASE | re.DOTALL)
KEPT = "; what {} committed by itself stays: `pushproof drift` shows it"
SETTLE_SECONDS = 10  # a server notices within these that its client is gone


def check_enabled(settings: Settings) -> None:
    """Raise ProjectError if config.toml disables migrations."""
    migrations = section_of(settings.supabase_dir / "config.toml", "db").get("migrations", {})
    if isinstance(migrations, dict) and migrations.get("enabled") is False:
        raise ProjectError(
            "db.migrations.enabled is false in supabase/config.toml: the CLI applies no migration", "set it to true"
        )


def pending_of(
    connection: Any, files: Sequence[Migration], console: Console, *, include_all: bool = False
) -> list[Migration]:
    """The migrations to push, after warnings about edited files. Raises ProjectError or HistoryError if none can be."""
    pairs = pair(files, read_history(connection))
    pending = [p.local for p in pairs if p.local and p.state in ("pending", "late")]
    check_contents(pending)
    for trouble in troubles_of(pairs):
        if trouble.pairing.state == "edited":
            console.status(f"{trouble.cause}; {trouble.step}", head="edited", style="yellow")
        elif trouble.pairing.state != "late" or not include_all:
            raise HistoryError(trouble.cause, trouble.step, details="`pushproof migrations` shows both sides")
    return pending


def push_by_cli(
    settings: Settings,
    console: Console,
    target: Target,
    connection: Any,
    pending: Sequence[Migration],
    *,
    dry_run: bool = False,
    include_all: bool = False,
) -> list[str]:
    """Push with the CLI. Returns the names of the files that it reports. An error names the files applied before it."""
    check_enabled(settings)
    promised = [m.path.name for m in pending]
    began = connection.execute("select pg_catalog.clock_timestamp()").fetchone()[0]

    def progress(line: str) -> None:
        if line.startswith("Applying migration"):
            console.status(f"  {line.rstrip('.')}")

    once = {m.path.name for m in pending if any(runs_alone(s.node) for s in statements_of(m.sql))}
    cli = local.cli(settings, console)
    # Without this a server does not notice that the CLI was killed, and goes on with a long statement.
    limits = limits_of(settings) | {"client_connection_check_interval": "1s"}

    if target.kind == "remote" and not dry_run:
        warn_of_limits(target, limits, console)

    def attempt() -> list[str]:
        with console.doing("supabase db push" + (" --dry-run" if dry_run else "")):
            return cli.push(target, dry_run=dry_run, include_all=include_all, limits=limits, on_line=progress)

    try:
        return patiently(attempt, lambda: _applied(target, promised, began)[0], console, once=once)
    except KeyboardInterrupt:
        console.status(f"applied before the interruption: {_applied_text(target, promised, began)}")
        raise
    except PushproofError as error:
        failed = [m for m in pending if error.message.startswith(m.path.name)]
        kept = "".join(KEPT.format(m.path.name) for m in failed if _commits(m))
        error.details = f"applied before it: {_applied_text(target, promised, began)}{kept}\n{error.details}".strip()
        raise


def _commits(migration: Migration) -> bool:
    """Whether a DO block or a procedure of the file may commit, so that a failure after it does not undo everything."""
    return any(COMMITS.match(statement.sql) for statement in statements_of(migration.sql))


def read_back(
    connection: Any,
    files: Sequence[Migration],
    promised: list[str],
    reported: list[str],
    before: Sequence[Applied] = (),
) -> None:
    """Check the history after a push, because the exit code of the CLI proves nothing.

    `promised` are the file names that were pending, `reported` those that the CLI reports, `before` is the history
    before the push. Raises HistoryError.
    """
    history = read_history(connection)
    states = {p.local.path.name: p.state for p in pair(files, history) if p.local}
    if gone := sorted({a.version for a in before} - {a.version for a in history}):
        raise HistoryError(
            f"the push removed {', '.join(gone)} from the history",
            "remove the statement that writes to supabase_migrations; `pushproof migrations` shows the state",
        )
    wrong = [name for name in promised if states[name] != "applied"]
    if wrong:
        raise HistoryError(
            f"pushed, but the history does not show it: {', '.join(f'{n} is {states[n]}' for n in wrong)}",
            "first look at `pushproof migrations`: the database may contain a part of these files",
        )
    if unexpected := sorted(set(reported) ^ set(promised)):
        raise HistoryError(
            f"the CLI and the history disagree about {', '.join(unexpected)}",
            "another push may have run at the same time; `pushproof migrations` shows what is applied",
        )


def _applied_text(target: Target, promised: list[str], began: datetime) -> str:
    """The files that were committed, as text. After an interruption or an error only the history shows them."""
    try:
        names, settled = _applied(target, promised, began)
    except PushproofError:
        return "unknown, the database does not answer; see `pushproof migrations`"
    return (", ".join(names) or "nothing") + (
        "" if settled else "; the server is still at work, see `pushproof migrations` later"
    )


def _applied(target: Target, promised: list[str], began: datetime) -> tuple[list[str], bool]:
    """The files in the history after the server has finished, and whether it finished in time."""
    with connect(target) as connection:
        busy = query("migrations/push_sessions")
        settled = wait_until(lambda: not connection.execute(busy, {"since": began}).fetchall(), timeout=SETTLE_SECONDS)
        versions = {a.version for a in read_history(connection)}
    return [name for name in promised if name.split("_")[0] in versions], bool(settled)
