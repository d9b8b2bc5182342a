"""What stands between a push and a project: one push at a time, and production only by its name."""

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


def confirm_production(run: Run, confirmed: str, deed: str) -> None:
    """Have the reference of a project marked as production typed, or given as `--confirm`. Raises RefusedError."""
    reference = run.target.reference
    if not run.settings.production or confirmed == reference:
        return
    if not confirmed and sys.stdin.isatty() and not run.console.as_json:
        run.console.status(f"to {deed} production, type its reference, {reference}:", style="yellow")
        confirmed = sys.stdin.readline().strip()
    if confirmed != reference:
        raise RefusedError(
            f"this project is marked as production{f', and {confirmed!r} is not its reference' if confirmed else ''}",
            f"`--confirm {reference}` confirms it",
        )


def refuse_production(settings: Settings, why: str) -> None:
    """Raises RefusedError on a project that is marked as production; `why` says what would happen to it."""
    if settings.production:
        raise RefusedError(
            f"this project is marked as production, and {why}",
            "use a staging project or the embedded stack; SUPABASE_PRODUCTION marks it",
        )


def refuse_losses(run: Run, plan: Sequence[FilePlan], *, allowed: bool) -> None:
    """What a push to a remote target would lose is named first. Raises RefusedError unless it is allowed."""
    lost = [f"{p.migration.path.name}:{s.statement.line} loses {s.loses}" for p in plan for s in p.losses]
    if lost and run.target.kind == "remote" and not allowed:
        raise RefusedError(
            f"{len(lost)} statement{'s lose' if len(lost) > 1 else ' loses'} what is there",
            "`--allow-loss` confirms it; make a backup first: Dashboard > Database > Backups",
            details="\n".join(lost),
        )


@contextlib.contextmanager
def turn(run: Run, task: str, *, shared: bool = False) -> Iterator[None]:
    """One `task` at a time changes the database of this machine's stack; those that share it go side by side.

    Who comes second waits, and is told for whom. On a remote target the database's own lock does that; whoever does not
    share it takes that for themselves (`alone`), once they have changes to make.
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
        mine = folder / f"{os.getpid()}.json"
        Identity.own().note(mine, task=f"{program()} {task}")
        try:
            yield
        finally:
            mine.unlink(missing_ok=True)


def in_turn(task: str) -> Callable[[Callable[Concatenate[Run, P], T]], Callable[Concatenate[Run, P], T]]:
    """A command that takes its turn for as long as it lasts."""

    def decorated(command: Callable[Concatenate[Run, P], T]) -> Callable[Concatenate[Run, P], T]:
        @functools.wraps(command)
        def in_its_turn(run: Run, /, *args: P.args, **kwargs: P.kwargs) -> T:
            with turn(run, task):
                return command(run, *args, **kwargs)

        return in_its_turn

    return decorated


def _living(folder: Path) -> Iterator[str]:
    for note in map(noted, folder.glob("*.json")):
        if lives(note):
            yield f"`{note.get('task')}` (process {note['pid']})"


@contextlib.contextmanager
def alone(connection: Any, console: Console, *, shared: bool = False) -> Iterator[None]:
    """Hold the target's push lock, with others where all share it; who comes second waits, and is told for whom."""
    told = False
    while not connection.execute(query("migrations/push_lock_shared" if shared else "migrations/push_lock")).fetchone()[
        0
    ]:
        if not told:
            holder = connection.execute(query("migrations/push_lock_holder")).fetchone()
            console.status(WAITING.format(holder[0] if holder else ENDED), style="yellow")
            told = True
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # it goes with the session too
            connection.execute(query("migrations/push_unlock"))


def limits_of(settings: Settings) -> dict[str, str]:
    """How long a statement that changes a target may wait for a lock, and how long it may run."""
    return {"lock_timeout": settings.lock_timeout, "statement_timeout": settings.statement_timeout}


def warn_of_limits(target: Target, limits: Mapping[str, str], console: Console) -> None:
    """Say so where the target takes no settings from a URL, as poolers may: its own time-outs are in force then."""
    with connect(target, options=options_of(limits), lock=None) as connection:
        held = connection.execute("select pg_catalog.current_setting('lock_timeout')").fetchone()
        wanted = connection.execute("select set_config('lock_timeout', %s, false)", [limits["lock_timeout"]]).fetchone()
    if held != wanted:
        words = (
            f"lock_timeout stays {held[0] if held else 'unknown'} through this connection: take the direct host's URL"
        )
        console.status(words, head="time-outs", style="yellow")


def patiently(
    attempt: Callable[[], list[str]],
    landed: Callable[[], list[str]],
    console: Console,
    *,
    once: Collection[str] = (),
) -> list[str]:
    """What the tries pushed together; again, after a pause, where a table was locked for too long.

    Again too where a file failed because it was applied meanwhile, by a server that went on for a client that is gone.
    `landed` says what a try that failed had pushed. Files in `once` run without a transaction: half of one may have
    happened, such as an index that is not valid. Raises SqlError.
    """
    former: list[str] = []
    for pause in PAUSES:
        try:
            return former + attempt()
        except SqlError as error:
            found = landed()
            file = error.where.partition(",")[0]
            if file in once:
                error.hint = f"it ran without a transaction: see what is there, and drop an invalid index. {error.hint}"
                raise
            if error.sqlstate not in BUSY and file not in found:
                raise
            console.status(f"{error.message}: again in {pause} s", style="yellow")
            time.sleep(pause)
            former = found
    return former + attempt()
