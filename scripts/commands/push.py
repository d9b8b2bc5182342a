"""`invoke push` and `invoke migrations`: what is pending, pushed by the CLI, and read back."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from scripts import local
from scripts.api import check_keys
from scripts.boundary import Run
from scripts.console import escape
from scripts.database import connect
from scripts.errors import HistoryError, PushproofError, SqlError
from scripts.migrations import Pairing, check_transactions, local_migrations, pair, read_history
from scripts.queries import query
from scripts.stack import api_of
from scripts.targets import Target
from scripts.waiting import wait_until

RELOAD_SECONDS = 10
STATE_COLOURS = {"applied": "green", "pending": "yellow", "edited": "red", "foreign": "red"}


def push(run: Run, *, dry_run: bool = False, include_all: bool = False) -> list[str]:
    """Push what is pending, then prove it from the history; the file names that were (or would be) pushed.

    Raises ProjectError before anything runs, SqlError from the server, HistoryError when the target's
    history does not take these files, or when the history read back is not what the push promised.
    """
    files = local_migrations(run.settings.migrations_dir)
    schema = api_of(run.settings.supabase_dir / "config.toml").schemas[0]
    target = run.target
    pairs = pair(files, _history(target))
    pending = [p.local for p in pairs if p.local and p.state == "pending"]
    check_transactions(pending)
    _warn_of(run, pairs)
    _check_order(pairs, include_all=include_all)
    promised = [m.path.name for m in pending]
    if promised:
        check_keys(target)  # the API is asked for the new schema in the end
    cli = local.cli(run.settings, run.console)

    def progress(line: str) -> None:
        if line.startswith("Applying migration"):
            run.console.status(f"  {escape(line.rstrip('.'))}")

    try:
        with run.console.doing("supabase db push" + (" --dry-run" if dry_run else "")):
            said = cli.push(target, dry_run=dry_run, include_all=include_all, on_line=progress)
    except KeyboardInterrupt:
        run.console.status(f"applied before the interruption: {_landed(target, promised)}")
        raise
    except SqlError as error:
        error.details = f"applied before it: {_landed(target, promised)}\n{error.details}".strip()
        raise
    if dry_run:
        _report(run, said, "would push")
        return said
    _read_back(target, files, promised, said)
    if said:
        _reload(run, target, schema)
    _report(run, said, "pushed")
    return said


def list_migrations(run: Run) -> tuple[Pairing, ...]:
    """Files and history side by side; a version whose file changed since it was applied is marked."""
    pairs = pair(local_migrations(run.settings.migrations_dir), _history(run.target))
    run.console.table(
        ("version", "local", "applied", "state"),
        (
            (
                p.version,
                p.local.name if p.local else "",
                p.applied.name if p.applied else "",
                _coloured(p.state),
            )
            for p in pairs
        ),
    )
    if not pairs:
        run.console.line("no migrations, neither in supabase/migrations nor applied")
    run.console.data(
        [
            {
                "version": p.version,
                "local": p.local.path.name if p.local else None,
                "applied": p.applied.name if p.applied else None,
                "state": p.state,
            }
            for p in pairs
        ]
    )
    return pairs


def _coloured(state: str) -> Any:
    from rich.text import Text

    return Text(state, STATE_COLOURS[state])


def _history(target: Target) -> Any:
    with connect(target) as connection:
        return read_history(connection)


def _warn_of(run: Run, pairs: tuple[Pairing, ...]) -> None:
    for p in pairs:
        if p.state == "edited" and p.local:
            run.console.status(
                f"[yellow]edited since it was applied[/] {p.local.path.name}: it is not pushed again; "
                "put the change into a new migration"
            )


def _check_order(pairs: tuple[Pairing, ...], *, include_all: bool) -> None:
    """The CLI refuses both as well, but names no version."""
    if foreign := [p.version for p in pairs if p.state == "foreign"]:
        raise HistoryError(
            f"the target's history holds {', '.join(foreign)}, of which supabase/migrations has no file",
            "fetch the missing files (`git pull`), then push again; `invoke migrations` shows both sides",
        )
    last = max((p.version for p in pairs if p.applied), default="")
    late = [p.local.path.name for p in pairs if p.local and p.state == "pending" and p.version < last]
    if late and not include_all:
        raise HistoryError(
            f"{', '.join(late)} would come before {last}, which is applied",
            "give it a later version, or push with --include-all",
        )


def _read_back(target: Target, files: Any, promised: list[str], said: list[str]) -> None:
    """The CLI's exit code proves nothing: hold the history against the files."""
    states = {p.local.path.name: p.state for p in pair(files, _history(target)) if p.local}
    wrong = [name for name in promised if states[name] != "applied"]
    if wrong:
        raise HistoryError(
            f"pushed, but the history does not show it: {', '.join(f'{n} is {states[n]}' for n in wrong)}",
            "look at `invoke migrations` before anything else; the database may hold a part of these files",
        )
    if unexpected := sorted(set(said) ^ set(promised)):
        raise HistoryError(
            f"the CLI and the history disagree about {', '.join(unexpected)}",
            "was somebody pushing at the same time? `invoke migrations` shows what is applied",
        )


def _landed(target: Target, promised: list[str]) -> str:
    """What of it was committed: after an interruption or a failure only the history knows."""
    try:
        applied = {a.version for a in _history(target)}
    except PushproofError:
        return "unknown, the database does not answer; see `invoke migrations`"
    return ", ".join(name for name in promised if name.split("_")[0] in applied) or "nothing"


def _reload(run: Run, target: Target, schema: str) -> None:
    """Have PostgREST read the new schema, and wait until it answers for every exposed object."""
    with connect(target) as connection:
        connection.execute("notify pgrst, 'reload schema'")
        wanted = {row[0] for row in connection.execute(query("exposed_objects"), {"schema": schema})}
    if not wait_until(lambda: wanted <= _answered_by_rest(target), timeout=RELOAD_SECONDS, interval=0.05):
        missing = sorted(wanted - _answered_by_rest(target))
        run.console.status(f"[yellow]the REST API does not show yet[/] {', '.join(missing)}")


def _answered_by_rest(target: Target) -> set[str]:
    """The paths of the API's own description, as service_role sees it."""
    request = urllib.request.Request(  # noqa: S310 - an http(s) URL, checked with the settings
        f"{target.url}/rest/v1/", headers={"apikey": target.secret_key}
    )
    try:
        with urllib.request.urlopen(request, timeout=RELOAD_SECONDS) as answer:  # noqa: S310
            return set(json.load(answer)["paths"])
    except (OSError, ValueError, KeyError):
        return set()


def _report(run: Run, names: list[str], verb: str) -> None:
    for name in names:
        run.console.line(f"{verb} {name}", ok=True if verb == "pushed" else None)
    if not names:
        run.console.line("nothing pending: the target has every migration", ok=True)
