"""A push: plan, lint and rehearse the pending files, push them with the CLI, and check the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pushproof.base.console import entry
from pushproof.base.errors import FailedError, ProjectError
from pushproof.base.preload import import_meanwhile
from pushproof.base.queries import query
from pushproof.base.reading import sql_files
from pushproof.checks.promises import report_red, results_of
from pushproof.lint.engine import lint
from pushproof.lint.files import Problem
from pushproof.lint.squawked import PREFIX
from pushproof.migrations.applying import pending_of, push_by_cli, read_back
from pushproof.migrations.files import Migration, local_migrations, read_history, refuse_none
from pushproof.migrations.gate import (
    alone,
    confirm_production,
    refuse_losses,
    turn,
)
from pushproof.migrations.plan import FilePlan, plan_of
from pushproof.stack.embedded import api_of, section_of
from pushproof.stack.run import Run
from pushproof.stack.schema_cache import await_api, exposed
from pushproof.stack.services.postgrest import ApiSettings
from pushproof.target.api import check_keys
from pushproof.target.database import connect
from pushproof.tools import squawk

if TYPE_CHECKING:
    from pushproof.base import documents
    from pushproof.deploy.rehearsal import Rehearsal


@dataclass(frozen=True, kw_only=True)
class PushOptions:
    """The options of `pushproof push`. `confirm` is the reference of a project marked as production.

    `rehearse`: whether to rehearse; None rehearses a push to a remote target. `lint`: whether errors of the linter stop
    a push to a remote target. `verify`: whether to run supabase/checks, if there are any, after the push.
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
    """What was pushed, or would be pushed in a dry run: file names and plan."""

    options: PushOptions
    names: list[str]
    plan: tuple[FilePlan, ...]
    problems: Sequence[Problem] = ()
    rehearsal: Rehearsal | None = None

    @property
    def document(self) -> documents.Push:
        """For --json."""
        return {
            "dry_run": self.options.dry_run,
            "migrations": self.names,
            "plan": [{"file": p.migration.path.name, "statements": [s.document for s in p.steps]} for p in self.plan],
            "problems": [entry(p, file=p.file.name) for p in self.problems],
            "rehearsal": self.rehearsal.document if self.rehearsal else None,
        }


def push(run: Run, options: PushOptions | None = None) -> Outcome:
    """Plan the pending files, push them, and check the history. One push at a time.

    Raises ProjectError for files or settings that are wrong, RefusedError without a confirmation, FailedError for
    errors of the linter, the rehearsal or the checks, SqlError from the server, and HistoryError if the history of the
    target does not fit these files or does not show them after the push.
    """
    options = options or PushOptions()
    with turn(run, "push", shared=options.dry_run):
        project = _read(run)
        with connect(run.target, lock=run.settings.lock_timeout) as connection:
            if run.target.kind == "embedded" and project.api.auto_expose_new_tables and not options.dry_run:
                connection.execute(query("migrations/auto_expose"))
            prepared = _prepare(run, options, project, connection=connection)
            names = _preview(run, options, prepared, connection=connection) if options.dry_run else []
            rehearsal = _rehearse(run, prepared, connection) if prepared.rehearse else None
            if not options.dry_run:
                names = _apply(run, options, project, prepared=prepared, connection=connection)
        if options.verify and names and not options.dry_run:
            _verify(run)
    return Outcome(options=options, names=names, plan=prepared.plan, problems=prepared.problems, rehearsal=rehearsal)


@dataclass(frozen=True)
class Project:
    """The files and settings of the project. `vault`: config.toml sets secrets, which the CLI pushes every time."""

    files: Sequence[Migration]
    api: ApiSettings
    vault: bool


@dataclass(frozen=True)
class Prepared:
    """The pending files, their plan, the problems that the linter reports, and whether to rehearse."""

    pending: list[Migration]
    plan: tuple[FilePlan, ...] = ()
    problems: Sequence[Problem] = ()
    rehearse: bool = False


def _read(run: Run) -> Project:
    """Read the files and settings. Raises ProjectError if they are wrong."""
    files = local_migrations(run.settings.migrations_dir)
    refuse_none(run.settings.migrations_dir, files)
    config = run.settings.supabase_dir / "config.toml"
    return Project(files, api_of(config), bool(section_of(config, "db").get("vault")))


def _prepare(run: Run, options: PushOptions, project: Project, connection: Any) -> Prepared:
    """Examine the pending files before any runs. Raises ProjectError, HistoryError, RefusedError, FailedError."""
    pending = pending_of(connection, project.files, run.console, include_all=options.include_all)
    if not pending:
        return Prepared(pending)
    wanted = run.target.kind == "remote" and not options.dry_run if options.rehearse is None else options.rehearse
    if wanted:
        import_meanwhile("pushproof.deploy.rehearsal", "supabase", "urllib3")
    plan = plan_of(connection, pending)
    check_keys(run.target)  # after the push the API is asked for the new schema
    if not options.dry_run:
        _warn_of_plan(run, plan)
        refuse_losses(run, plan, allowed=options.allow_loss)
    return Prepared(pending=pending, plan=plan, problems=_lint(run, project, pending, options=options), rehearse=wanted)


def _preview(run: Run, options: PushOptions, prepared: Prepared, connection: Any) -> list[str]:
    """Print and return the names of the files that the CLI would push, with their plan."""
    names = []
    if prepared.pending:
        names = _push_by_cli(run, options, prepared.pending, connection=connection)
    _report(run, names, prepared.plan, verb="would push")
    return names


def _apply(run: Run, options: PushOptions, project: Project, prepared: Prepared, connection: Any) -> list[str]:
    """Push with the CLI and check the history. Returns the names of the pushed files."""
    names: list[str] = []
    if prepared.pending or project.vault:  # otherwise the CLI has nothing to do
        confirm_production(run, options.confirm, "push to")
        with alone(connection, run.console):
            # Another push may have come first.
            pending = pending_of(connection, project.files, run.console, include_all=options.include_all)
            known, before = exposed(connection, project.api.schemas[0]), read_history(connection)
            names = _push_by_cli(run, options, pending, connection=connection)
            with connect(run.target) as fresh:  # the other one was idle during the push and may be closed
                fresh.execute("notify pgrst, 'reload schema'")  # it reads the schema meanwhile
                read_back(fresh, project.files, [m.path.name for m in pending], reported=names, before=before)
                new = exposed(fresh, project.api.schemas[0]) - known
        await_api(run, run.target, new)
    _report(run, names, (), verb="pushed")
    return names


def _push_by_cli(run: Run, options: PushOptions, pending: Sequence[Migration], connection: Any) -> list[str]:
    return push_by_cli(
        run.settings,
        run.console,
        run.target,
        connection=connection,
        pending=pending,
        dry_run=options.dry_run,
        include_all=options.include_all,
    )


def _verify(run: Run) -> None:
    """Run supabase/checks. Raises FailedError if one is red."""
    folder = run.settings.supabase_dir / "checks"
    if not sql_files(folder, ProjectError):
        return
    if red := report_red(run, results_of(run.target, folder)):
        raise FailedError(
            f"pushed, but {', '.join(v.check for v in red)} is red",
            "`pushproof verify` shows it; push a migration that corrects it, or `pushproof rollback --to VERSION`",
        )


def _rehearse(run: Run, prepared: Prepared, connection: Any) -> Rehearsal:
    """Import the proof engine, which most pushes do not need, and rehearse. Raises what `rehearse` raises."""
    from pushproof.deploy.rehearsal import rehearse

    return rehearse(run, read_history(connection), prepared.pending, plan=prepared.plan)


def _lint(run: Run, project: Project, pending: Sequence[Migration], options: PushOptions) -> list[Problem]:
    """Lint the pending files as one push, and print the problems. Raises FailedError for errors on a remote target."""
    if run.target.kind != "remote" and not options.dry_run:
        return []
    earlier = [m for m in project.files if m not in pending]
    api = project.api
    problems = lint(pending, earlier, schemas=api.schemas, auto_expose=api.auto_expose_new_tables)
    for p in problems:
        style = "red" if p.level == "error" else "yellow"
        run.console.status(f"{p.rule}: {p.message}; {p.hint}", head=f"{p.file.name}:{p.line}", style=style)
    allowed = {PREFIX + rule for rule in squawk.LOSES} if options.allow_loss else set()
    errors = [p for p in problems if p.level == "error" and p.rule not in allowed]
    if errors and options.lint and not options.dry_run:
        raise FailedError(
            f"the linter stops this push: {errors[0].file.name} line {errors[0].line}, {errors[0].rule}",
            "correct it, give a reason to ignore it (`-- pushproof: ignore RULE: reason`), or push with --no-lint",
        )
    return problems


def _warn_of_plan(run: Run, plan: Sequence[FilePlan]) -> None:
    """Print what the plan locks and loses, before it runs."""
    for file in plan:
        for step in file.steps:
            for note in step.notes:
                run.console.status(note, head=f"{file.migration.path.name}:{step.statement.line}", style="yellow")


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
