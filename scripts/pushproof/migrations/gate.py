"""Conditions of a change to a target: one task at a time, production after confirmation, limited waits for locks."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from pushproof.base.errors import RefusedError, SqlError
from pushproof.base.process import Identity, lives, noted
from pushproof.base.program import program
from pushproof.base.queries import query
from pushproof.base.waiting import exclusive
from pushproof.target.database import connect, options_of

if TYPE_CHECKING:
    from pathlib import Path

    from pushproof.base.console import Console
    from pushproof.base.settings import Settings
    from pushproof.migrations.plan import FilePlan
    from pushproof.stack.run import Run
    from pushproof.target.targets import Target

P = ParamSpec("P")
T = TypeVar("T")
WAITING, ENDED = "waiting for {}, which uses this database", "a task that has just ended"
POLL_SECONDS = 0.2
PAUSES = (1, 2, 4, 8)  # seconds before each further try, after a lock could not be acquired in time
BUSY = ("55P03", "40P01")  # lock_not_available, deadlock_detected


def confirm_production(run: Run, confirmed: str, action: str) -> None:
    """Require the reference of a project marked as production, from `--confirm` or typed in a terminal.

    `action` is what the user asked for, such as "push to". Raises RefusedError.
    """
    reference = run.target.reference
    if not run.settings.production or confirmed == reference:
        return
    if not confirmed and sys.stdin.isatty() and not run.console.as_json:
        run.console.status(f"to {action} production, type its reference, {reference}:", style="yellow")
        confirmed = sys.stdin.readline().strip()
    if confirmed != reference:
        raise RefusedError(
            f"this project is marked as production{f', and {confirmed!r} is not its reference' if confirmed else ''}",
            f"`--confirm {reference}` confirms it",
        )


def refuse_production(settings: Settings, why: str) -> None:
    """Raise RefusedError for a project marked as production. `why` says what would happen to it."""
    if settings.production:
        raise RefusedError(
            f"this project is marked as production, and {why}",
            "use a staging project or the embedded stack; SUPABASE_PRODUCTION marks it",
        )


def refuse_losses(run: Run, plan: Sequence[FilePlan], *, allowed: bool) -> None:
    """Raise RefusedError if a push to a remote target would lose data, unless that is `allowed`."""
    losses = [f"{p.migration.path.name}:{s.statement.line} loses {s.loses}" for p in plan for s in p.losses]
    if losses and run.target.kind == "remote" and not allowed:
        raise RefusedError(
            f"{len(losses)} statement{'s lose' if len(losses) > 1 else ' loses'} existing data",
            "`--allow-loss` confirms it; make a backup first: Dashboard > Database > Backups",
            details="\n".join(losses),
        )


@contextlib.contextmanager
def turn(run: Run, task: str, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of this machine's stack: one `task` at a time changes it, tasks with `shared` run side by side.

    A task that has to wait prints for whom. On a remote target the lock is in the database; a task that is not shared
    takes it with `alone`, when it has changes to make.
    """
    folder = run.settings.state_dir / "turns"
    if run.settings.target == "remote":
        with contextlib.ExitStack() as held:
            if shared:
                connection = held.enter_context(connect(run.target))
                held.enter_context(alone(connection, run.console, shared=True))
            yield
        return
    folder.mkdir(parents=True, exist_ok=True)

    def name_holders() -> None:
        run.console.status(WAITING.format(", ".join(_living(folder)) or ENDED), style="yellow")

    with exclusive(folder / "lock", shared=shared, waits=name_holders):
        file = folder / f"{os.getpid()}.json"
        Identity.own().note(file, task=f"{program()} {task}")
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def in_turn(task: str) -> Callable[[Callable[Concatenate[Run, P], T]], Callable[Concatenate[Run, P], T]]:
    """Decorate a command: it runs within `turn`."""

    def decorated(command: Callable[Concatenate[Run, P], T]) -> Callable[Concatenate[Run, P], T]:
        @functools.wraps(command)
        def in_its_turn(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> T:
            with turn(run, task):
                return command(run, *args, **kwargs)

        return in_its_turn

    return decorated


def _living(folder: Path) -> Iterator[str]:
    """The tasks whose processes are alive, for messages."""
    for note in map(noted, folder.glob("*.json")):
        if lives(note):
            yield f"`{note.get('task')}` (process {note['pid']})"


@contextlib.contextmanager
def alone(connection: Any, console: Console, *, shared: bool = False) -> Iterator[None]:
    """Hold the push lock of the target, with `shared` together with others. If it has to wait, it prints for whom."""
    reported = False
    while not connection.execute(query("migrations/push_lock_shared" if shared else "migrations/push_lock")).fetchone()[
        0
    ]:
        if not reported:
            holder = connection.execute(query("migrations/push_lock_holder")).fetchone()
            console.status(WAITING.format(holder[0] if holder else ENDED), style="yellow")
            reported = True
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # the end of the session releases it too
            connection.execute(query("migrations/push_unlock"))


def limits_of(settings: Settings) -> dict[str, str]:
    """The time limits of a statement that changes a target: waiting for a lock, and running."""
    return {"lock_timeout": settings.lock_timeout, "statement_timeout": settings.statement_timeout}


def warn_of_limits(target: Target, limits: Mapping[str, str], console: Console) -> None:
    """Warn if the target ignores settings in a URL, as poolers may: its own time-outs are in force then."""
    with connect(target, options=options_of(limits), lock=None) as connection:
        current = connection.execute("select pg_catalog.current_setting('lock_timeout')").fetchone()
        wanted = connection.execute("select set_config('lock_timeout', %s, false)", [limits["lock_timeout"]]).fetchone()
    if current != wanted:
        value = current[0] if current else "unknown"
        message = f"this connection keeps lock_timeout at {value}: use the URL of the direct host"
        console.status(message, head="time-outs", style="yellow")


def patiently(
    attempt: Callable[[], list[str]],
    applied: Callable[[], list[str]],
    console: Console,
    *,
    once: Collection[str] = (),
) -> list[str]:
    """Try again, after a pause, if a lock was not acquired in time. Returns the files that all tries pushed.

    It also tries again if a file failed because the server applied it meanwhile for a client that is gone. `applied`
    returns the files that a failed try had pushed. Files in `once` run without a transaction and are not tried again:
    one may have left a part of its work, such as an invalid index. Raises SqlError.
    """
    earlier: list[str] = []
    for pause in PAUSES:
        try:
            return earlier + attempt()
        except SqlError as error:
            pushed = applied()
            file = error.where.partition(",")[0]
            if file in once:
                error.hint = f"it ran without a transaction: check what it changed, drop an invalid index. {error.hint}"
                raise
            if error.sqlstate not in BUSY and file not in pushed:
                raise
            console.status(f"{error.message}: again in {pause} s", style="yellow")
            time.sleep(pause)
            earlier = pushed
    return earlier + attempt()
