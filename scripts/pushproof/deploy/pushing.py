"""A push: what is pending, planned, linted and rehearsed, then pushed by the CLI and read back."""

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
    """What `pushproof push` is asked to do. `confirm` is the reference of a project marked as production.

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
    """Plan what is pending, push it, and prove it from the history. One push at a time.

    Raises ProjectError before anything runs, RefusedError for what nobody confirmed, SqlError from the server,
    HistoryError when the target's history does not take these files, or when the history read back is not what
    the push promised.
    """
    options = options or PushOptions()
    with turn(run, "push", shared=options.dry_run):
        project = _read(run)
        with connect(run.target, lock=run.settings.lock_timeout) as connection:
            if run.target.kind == "embedded" and project.api.auto_expose_new_tables and not options.dry_run:
                connection.execute(query("migrations/auto_expose"))
            prepared = _prepare(run, options, project, connection=connection)
            said = _preview(run, options, prepared, connection=connection) if options.dry_run else []
            rehearsal = _rehearse(run, prepared, connection) if prepared.rehearse else None
            if not options.dry_run:
                said = _apply(run, options, project, prepared=prepared, connection=connection)
        if options.verify and said and not options.dry_run:
            _verify(run)
    return Outcome(options=options, names=said, plan=prepared.plan, problems=prepared.problems, rehearsal=rehearsal)


@dataclass(frozen=True)
class Project:
    """What the project's files say. `vault`: whether config.toml sets secrets, which the CLI pushes every time."""

    files: Sequence[Migration]
    api: ApiSettings
    vault: bool


@dataclass(frozen=True)
class Prepared:
    """What is pending, what it does to the target, what the linter says, and whether it is to be rehearsed."""

    pending: list[Migration]
    plan: tuple[FilePlan, ...] = ()
    problems: Sequence[Problem] = ()
    rehearse: bool = False


def _read(run: Run) -> Project:
    """Raises ProjectError for files and settings that nothing can be made of."""
    files = local_migrations(run.settings.migrations_dir)
    refuse_none(run.settings.migrations_dir, files)
    config = run.settings.supabase_dir / "config.toml"
    return Project(files, api_of(config), bool(section_of(config, "db").get("vault")))


def _prepare(run: Run, options: PushOptions, project: Project, connection: Any) -> Prepared:
    """Look at what is pending before any of it runs. Raises ProjectError, HistoryError, RefusedError, FailedError."""
    pending = pending_of(connection, project.files, run.console, include_all=options.include_all)
    if not pending:
        return Prepared(pending)
    wanted = run.target.kind == "remote" and not options.dry_run if options.rehearse is None else options.rehearse
    if wanted:
        import_meanwhile("pushproof.deploy.rehearsal", "supabase", "urllib3")
    plan = plan_of(connection, pending)
    check_keys(run.target)  # the API is asked for the new schema in the end
    if not options.dry_run:
        _warn_of_plan(run, plan)
        refuse_losses(run, plan, allowed=options.allow_loss)
    return Prepared(pending=pending, plan=plan, problems=_lint(run, project, pending, options=options), rehearse=wanted)


def _preview(run: Run, options: PushOptions, prepared: Prepared, connection: Any) -> list[str]:
    """Print what the CLI says that it would push, and what that would do; the names."""
    said = []
    if prepared.pending:
        said = _push_by_cli(run, options, prepared.pending, connection=connection)
    _report(run, said, prepared.plan, verb="would push")
    return said


def _apply(run: Run, options: PushOptions, project: Project, prepared: Prepared, connection: Any) -> list[str]:
    """Push by the CLI and hold the history against the files; the names of what was pushed."""
    said: list[str] = []
    if prepared.pending or project.vault:  # the CLI would start only to match the same versions again
        confirm_production(run, options.confirm, "push to")
        with alone(connection, run.console):
            # Another push may have come first.
            pending = pending_of(connection, project.files, run.console, include_all=options.include_all)
            known, before = exposed(connection, project.api.schemas[0]), read_history(connection)
            said = _push_by_cli(run, options, pending, connection=connection)
            with connect(run.target) as fresh:  # the other one was silent for as long as the push took
                fresh.execute("notify pgrst, 'reload schema'")  # it reads the schema while we read the history
                read_back(fresh, project.files, [m.path.name for m in pending], said=said, before=before)
                new = exposed(fresh, project.api.schemas[0]) - known
        await_api(run, run.target, new)
    _report(run, said, (), verb="pushed")
    return said


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
    """Hold the promises of supabase/checks against what is there now. Raises FailedError for a broken one."""
    folder = run.settings.supabase_dir / "checks"
    if not sql_files(folder, ProjectError):
        return
    if red := report_red(run, results_of(run.target, folder)):
        raise FailedError(
            f"pushed, and then {', '.join(v.check for v in red)} is red",
            "`pushproof verify` shows it; mend it by a new migration, or `pushproof rollback --to` what was before",
        )


def _rehearse(run: Run, prepared: Prepared, connection: Any) -> Rehearsal:
    """Raises what `rehearse` raises. The proof engine is imported here: most pushes do without."""
    from pushproof.deploy.rehearsal import rehearse

    return rehearse(run, read_history(connection), prepared.pending, plan=prepared.plan)


def _lint(run: Run, project: Project, pending: Sequence[Migration], options: PushOptions) -> list[Problem]:
    """What the linter says of the pending files, as one push. Raises FailedError for an error on a remote target."""
    if run.target.kind != "remote" and not options.dry_run:
        return []
    earlier = [m for m in project.files if m not in pending]
    api = project.api
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
