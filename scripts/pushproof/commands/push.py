"""`pushproof push`: what is pending, planned, pushed by the CLI, and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import FailedError, HistoryError, PushproofError
from pushproof.base.preload import import_meanwhile
from pushproof.base.queries import query
from pushproof.base.waiting import wait_until
from pushproof.checks.promises import verdicts_of
from pushproof.commands.verify import report_red
from pushproof.lint.engine import lint
from pushproof.lint.files import Problem
from pushproof.lint.squawked import PREFIX
from pushproof.migrations.files import Migration, check_contents, local_migrations, pair, read_history, refuse_none
from pushproof.migrations.gate import (
    alone,
    confirm_production,
    limits_of,
    patiently,
    refuse_losses,
    turn,
    warn_of_limits,
)
from pushproof.migrations.history import troubles_of
from pushproof.migrations.plan import FilePlan, plan_of
from pushproof.migrations.statements import runs_alone, statements_of
from pushproof.stack import local
from pushproof.stack.embedded import api_of, section_of
from pushproof.stack.run import Run
from pushproof.stack.schema_cache import await_api, exposed
from pushproof.stack.services.postgrest import Api
from pushproof.target.api import check_keys
from pushproof.target.database import connect
from pushproof.target.targets import Target
from pushproof.tools import squawk

if TYPE_CHECKING:
    from pushproof.commands.rehearse import Rehearsal

SETTLE_SECONDS = 10  # in which a server notices that its client is gone


@dataclass(frozen=True)
class Options:
    """What `pushproof push` was told. `confirm` is the reference of a project marked as production.

    `rehearse`: None for what the target deserves, a rehearsal where others would notice. `lint`: whether errors of the
    linter stop a push to a remote target. `verify`: whether supabase/checks, where there are any, are held against it.
    """

    dry_run: bool = False
    include_all: bool = False
    allow_loss: bool = False
    confirm: str = ""
    rehearse: bool | None = None
    lint: bool = True
    verify: bool = False


@dataclass(frozen=True)
class Outcome:
    """What was pushed, or with a dry run would be: file names and plan."""

    options: Options
    names: list[str]
    plan: tuple[FilePlan, ...]
    problems: Sequence[Problem] = ()
    rehearsal: Rehearsal | None = None

    @property
    def data(self) -> dict[str, Any]:
        """For --json."""
        plan = [{"file": p.migration.path.name, "statements": [s.data for s in p.steps]} for p in self.plan]
        return {
            "dry_run": self.options.dry_run,
            "migrations": self.names,
            "plan": plan,
            "problems": [vars(p) | {"file": p.file.name} for p in self.problems],
            "rehearsal": self.rehearsal.data if self.rehearsal else None,
        }


def push(run: Run, options: Options | None = None) -> Outcome:
    """Plan what is pending, push it, and prove it from the history. One push at a time.

    Raises ProjectError before anything runs, RefusedError for what nobody confirmed, SqlError from the server,
    HistoryError when the target's history does not take these files, or when the history read back is not what
    the push promised.
    """
    options = options or Options()
    with turn(run, "push", shared=options.dry_run):
        return _push(run, options)


def _push(run: Run, options: Options) -> Outcome:
    files = local_migrations(run.settings.migrations_dir)
    refuse_none(run.settings.migrations_dir, files)
    config = run.settings.supabase_dir / "config.toml"
    api = api_of(config)
    target = run.target
    # The CLI would start only to match the same versions again; secrets of the vault it pushes every time.
    always = bool(section_of(config, "db").get("vault"))
    with connect(target) as connection:
        if target.kind == "embedded" and api.auto_expose_new_tables and not options.dry_run:
            connection.execute(query("auto_expose"))
        pending = _pending(run, connection, files, options)
        wanted = target.kind == "remote" and not options.dry_run if options.rehearse is None else options.rehearse
        if pending and wanted:
            import_meanwhile("pushproof.commands.rehearse", "supabase", "urllib3")
        plan = plan_of(connection, pending)
        if pending:
            check_keys(target)  # the API is asked for the new schema in the end
        if not options.dry_run:
            _warn_of_plan(run, plan)
            refuse_losses(run, plan, allowed=options.allow_loss)
        problems = _lint(run, files, pending, options, api)
        said: list[str] = []
        if options.dry_run or not (pending or always):
            said = _call_cli(run, connection, pending, options) if pending else []
            _report(run, said, plan, "would push")
        rehearsal = _rehearse(run, connection, pending, plan) if pending and wanted else None
        if options.dry_run or not (pending or always):
            return Outcome(options, said, plan, problems, rehearsal)
        confirm_production(run, options.confirm, "push to")
        with alone(connection, run.console):
            pending = _pending(run, connection, files, options)  # another push may have come first
            known = exposed(connection, api.schemas[0])
            said = _call_cli(run, connection, pending, options)
            with connect(target) as fresh:  # the other one was silent for as long as the push took
                fresh.execute("notify pgrst, 'reload schema'")  # it reads the schema while we read the history
                read_back(fresh, files, [m.path.name for m in pending], said)
                new = exposed(fresh, api.schemas[0]) - known
    await_api(run, target, new)
    _report(run, said, (), "pushed")
    if options.verify and said:
        _verify(run)
    return Outcome(options, said, plan, problems, rehearsal)


def _pending(run: Run, connection: Any, files: Sequence[Migration], options: Options) -> list[Migration]:
    """What is to be pushed. Raises ProjectError or HistoryError for what cannot be."""
    pairs = pair(files, read_history(connection))
    pending = [p.local for p in pairs if p.local and p.state in ("pending", "late")]
    check_contents(pending)
    for trouble in troubles_of(pairs):
        if trouble.pairing.state == "edited":
            run.console.status(f"{trouble.cause}; {trouble.step}", head="edited", style="yellow")
        elif trouble.pairing.state != "late" or not options.include_all:
            raise HistoryError(trouble.cause, trouble.step, details="`pushproof migrations` shows both sides")
    return pending


def _call_cli(run: Run, connection: Any, pending: Sequence[Migration], options: Options) -> list[str]:
    """The file names that the CLI says it pushed. Whatever ends it early, what had landed by then is said."""
    target, promised = run.target, [m.path.name for m in pending]
    began = connection.execute("select pg_catalog.clock_timestamp()").fetchone()[0]

    def progress(line: str) -> None:
        if line.startswith("Applying migration"):
            run.console.status(f"  {line.rstrip('.')}")

    once = {m.path.name for m in pending if any(runs_alone(s.node) for s in statements_of(m.sql))}
    cli = local.cli(run.settings, run.console)
    # A server notices only so that the CLI was killed, and would go on with a long statement.
    limits = limits_of(run.settings) | {"client_connection_check_interval": "1s"}

    if target.kind == "remote" and not options.dry_run:
        warn_of_limits(target, limits, run.console)

    def attempt() -> list[str]:
        with run.console.doing("supabase db push" + (" --dry-run" if options.dry_run else "")):
            return cli.push(
                target, dry_run=options.dry_run, include_all=options.include_all, limits=limits, on_line=progress
            )

    try:
        return patiently(attempt, lambda: _applied(target, promised, began)[0], run.console, once=once)
    except KeyboardInterrupt:
        run.console.status(f"applied before the interruption: {_landed(target, promised, began)}")
        raise
    except PushproofError as error:
        error.details = f"applied before it: {_landed(target, promised, began)}\n{error.details}".strip()
        raise


def read_back(connection: Any, files: Any, promised: list[str], said: list[str]) -> None:
    """The CLI's exit code proves nothing: hold the history against the files."""
    states = {p.local.path.name: p.state for p in pair(files, read_history(connection)) if p.local}
    wrong = [name for name in promised if states[name] != "applied"]
    if wrong:
        raise HistoryError(
            f"pushed, but the history does not show it: {', '.join(f'{n} is {states[n]}' for n in wrong)}",
            "look at `pushproof migrations` before anything else; the database may hold a part of these files",
        )
    if unexpected := sorted(set(said) ^ set(promised)):
        raise HistoryError(
            f"the CLI and the history disagree about {', '.join(unexpected)}",
            "was somebody pushing at the same time? `pushproof migrations` shows what is applied",
        )


def _landed(target: Target, promised: list[str], began: datetime) -> str:
    """What of it was committed, for people: after an interruption or a failure only the history knows."""
    try:
        found, settled = _applied(target, promised, began)
    except PushproofError:
        return "unknown, the database does not answer; see `pushproof migrations`"
    return (", ".join(found) or "nothing") + (
        "" if settled else "; the server is still at work, look again at `pushproof migrations`"
    )


def _applied(target: Target, promised: list[str], began: datetime) -> tuple[list[str], bool]:
    """What the history holds once the server has ended what it was sent, and whether it has."""
    with connect(target) as connection:
        busy = query("push_sessions")
        settled = wait_until(lambda: not connection.execute(busy, {"since": began}).fetchall(), timeout=SETTLE_SECONDS)
        versions = {a.version for a in read_history(connection)}
    return [name for name in promised if name.split("_")[0] in versions], bool(settled)


def _verify(run: Run) -> None:
    """Hold the promises of supabase/checks against what is there now. Raises FailedError for a broken one."""
    folder = run.settings.supabase_dir / "checks"
    if not any(folder.glob("*.sql")):
        return
    if red := report_red(run, verdicts_of(run.target, folder)):
        raise FailedError(
            f"pushed, and then {', '.join(v.check for v in red)} is red",
            "`pushproof verify` shows it; mend it by a new migration, or `pushproof rollback --to` what was before",
        )


def _rehearse(run: Run, connection: Any, pending: Sequence[Migration], plan: Sequence[FilePlan]) -> Rehearsal:
    """Raises what `rehearse` raises. The proof engine is imported here: most pushes do without."""
    from pushproof.commands.rehearse import rehearse

    return rehearse(run, read_history(connection), pending, plan)


def _lint(
    run: Run, files: Sequence[Migration], pending: Sequence[Migration], options: Options, api: Api
) -> list[Problem]:
    """What the linter says of the pending files, as one push. Raises FailedError for an error on a remote target."""
    if not pending or (run.target.kind != "remote" and not options.dry_run):
        return []
    earlier = [m for m in files if m not in pending]
    found = lint(pending, earlier, schemas=api.schemas, auto_expose=api.auto_expose_new_tables)
    for one in found:
        style = "red" if one.level == "error" else "yellow"
        run.console.status(f"{one.rule}: {one.message}; {one.hint}", head=f"{one.file.name}:{one.line}", style=style)
    meant = {PREFIX + rule for rule in squawk.LOSES} if options.allow_loss else set()
    errors = [p for p in found if p.level == "error" and p.rule not in meant]
    if errors and options.lint and not options.dry_run:
        raise FailedError(
            f"the linter stops this push: {errors[0].file.name} line {errors[0].line}, {errors[0].rule}",
            "mend it, say why it may stand (`-- pushproof: ignore RULE: reason`), or push with --no-lint",
        )
    return found


def _warn_of_plan(run: Run, plan: Sequence[FilePlan]) -> None:
    """What of the plan somebody may regret, before it is done."""
    for one in plan:
        for step in one.steps:
            for note in step.notes:
                run.console.status(note, head=f"{one.migration.path.name}:{step.statement.line}", style="yellow")


def _report(run: Run, names: Sequence[str], plan: Sequence[FilePlan], verb: str) -> None:
    plans = {p.migration.path.name: p for p in plan}
    for name in names:
        run.console.line(f"{verb} {name}", ok=True if verb == "pushed" else None)
        for step in plans[name].steps if name in plans else ():
            run.console.line(f"{step.statement.line:6}  {step.statement.title}")
            for note in step.notes:
                run.console.line(note, head="        !" if step.loses or step.hurts else "        ·")
    if not names:
        run.console.line("nothing pending: the target has every migration", ok=True)
