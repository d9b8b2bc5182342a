"""`invoke push` and `invoke migrations`: what is pending, pushed by the CLI, and read back."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from scripts import local
from scripts.api import check_keys, http_status, service_headers
from scripts.boundary import Run
from scripts.database import connect
from scripts.errors import HistoryError, PushproofError
from scripts.gate import alone, confirm_production, patiently
from scripts.migrations import Migration, Pairing, check_transactions, local_migrations, pair, read_history
from scripts.queries import query
from scripts.stack import api_of, section_of
from scripts.targets import Target
from scripts.waiting import wait_until

RELOAD_SECONDS = 10
STATE_COLOURS = {"applied": "green", "pending": "yellow", "edited": "red", "foreign": "red"}


def push(run: Run, *, dry_run: bool = False, include_all: bool = False, confirm: str = "") -> list[str]:
    """Push what is pending, then prove it from the history; the file names that were (or would be) pushed.

    One push at a time; production only where its reference is confirmed. Raises ProjectError before anything
    runs, RefusedError, SqlError from the server, HistoryError when the target's history does not take these
    files, or when the history read back is not what the push promised.
    """
    files = local_migrations(run.settings.migrations_dir)
    config = run.settings.supabase_dir / "config.toml"
    api = api_of(config)
    target = run.target
    # The CLI would start only to match the same versions again; secrets of the vault it pushes every time.
    always = bool(section_of(config, "db").get("vault"))
    with connect(target) as connection:
        if target.kind == "embedded" and api.auto_expose_new_tables and not dry_run:
            connection.execute(query("auto_expose"))
        promised = _pending(run, connection, files, include_all=include_all)
        if promised:
            check_keys(target)  # the API is asked for the new schema in the end
        if dry_run or not (promised or always):
            said = _call_cli(run, target, promised, dry_run=True, include_all=include_all) if promised else []
            _report(run, said, "would push")
            return said
        confirm_production(run, confirm, "push to")
        with alone(connection, run.console):
            promised = _pending(run, connection, files, include_all=include_all)  # another push may have come first
            known = _exposed(connection, api.schemas[0])
            said = _call_cli(run, target, promised, dry_run=False, include_all=include_all)
            connection.execute("notify pgrst, 'reload schema'")  # it reads the schema while we read the history
            read_back(connection, files, promised, said)
            new = _exposed(connection, api.schemas[0]) - known
    _await_api(run, target, new)
    _report(run, said, "pushed")
    return said


def _pending(run: Run, connection: Any, files: Sequence[Migration], *, include_all: bool) -> list[str]:
    """The names of what is to be pushed. Raises ProjectError or HistoryError for what cannot be."""
    pairs = pair(files, read_history(connection))
    pending = [p.local for p in pairs if p.local and p.state == "pending"]
    check_transactions(pending)
    _warn_of(run, pairs)
    _check_order(pairs, include_all=include_all)
    return [m.path.name for m in pending]


def _call_cli(run: Run, target: Target, promised: list[str], *, dry_run: bool, include_all: bool) -> list[str]:
    """The file names that the CLI says it pushed. Whatever ends it early, what had landed by then is said."""

    def progress(line: str) -> None:
        if line.startswith("Applying migration"):
            run.console.status(f"  {line.rstrip('.')}")

    cli = local.cli(run.settings, run.console)
    limits = {"lock_timeout": run.settings.lock_timeout, "statement_timeout": run.settings.statement_timeout}

    def attempt() -> list[str]:
        with run.console.doing("supabase db push" + (" --dry-run" if dry_run else "")):
            return cli.push(target, dry_run=dry_run, include_all=include_all, limits=limits, on_line=progress)

    try:
        return patiently(attempt, lambda: _applied(target, promised), run.console)
    except KeyboardInterrupt:
        run.console.status(f"applied before the interruption: {_landed(target, promised)}")
        raise
    except PushproofError as error:
        error.details = f"applied before it: {_landed(target, promised)}\n{error.details}".strip()
        raise


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
                f"{p.local.path.name}: it is not pushed again; put the change into a new migration",
                head="edited since it was applied",
                style="yellow",
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


def read_back(connection: Any, files: Any, promised: list[str], said: list[str]) -> None:
    """The CLI's exit code proves nothing: hold the history against the files."""
    states = {p.local.path.name: p.state for p in pair(files, read_history(connection)) if p.local}
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
    """What of it was committed, for people: after an interruption or a failure only the history knows."""
    try:
        return ", ".join(_applied(target, promised)) or "nothing"
    except PushproofError:
        return "unknown, the database does not answer; see `invoke migrations`"


def _applied(target: Target, promised: list[str]) -> list[str]:
    versions = {a.version for a in _history(target)}
    return [name for name in promised if name.split("_")[0] in versions]


def _exposed(connection: Any, schema: str) -> set[str]:
    """The paths that the REST API should answer for the schema."""
    return {row[0] for row in connection.execute(query("exposed_objects"), {"schema": schema})}


def _await_api(run: Run, target: Target, new: set[str]) -> None:
    """Wait until PostgREST, told to read the schema again, answers for what it did not know.

    It takes over a schema as a whole: where there are new relations, they stand for new functions too.
    """
    relations = {path for path in new if not path.startswith("/rpc/")}
    missing = set(relations or new)

    def arrived() -> bool:
        missing.difference_update(_answering(target, missing) if relations else _described(target))
        return not missing

    if not wait_until(arrived, timeout=RELOAD_SECONDS):
        run.console.status(", ".join(sorted(missing)), head="the REST API does not show yet", style="yellow")


def _answering(target: Target, relations: set[str]) -> set[str]:
    """OPTIONS tells from PostgREST's own cache whether it knows a relation; a read may go past the cache."""
    headers = service_headers(target)
    return {r for r in relations if http_status(target.url, f"/rest/v1{quote(r)}", headers, method="OPTIONS") == 200}


def _described(target: Target) -> set[str]:
    """The paths of the API's own description, as service_role sees it."""
    request = urllib.request.Request(  # noqa: S310 - an http(s) URL, checked with the settings
        f"{target.url}/rest/v1/", headers=service_headers(target)
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
