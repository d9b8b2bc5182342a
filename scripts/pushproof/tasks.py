"""The tasks of pushproof: `pushproof --list` names them, `pushproof --help TASK` explains one.

Each task parses its options and calls one command; pushproof/boundary.py turns errors into exit codes.
"""

from __future__ import annotations

import atexit
import gc
import sys
from typing import Any

import invoke.parser.parser
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import ParseError
from invoke.tasks import task

from pushproof.base.interruptions import leave_at_once
from pushproof.base.program import program


def _heed_as_invoke() -> None:
    """Handle signals and usage errors under `invoke` as the program `pushproof` does."""
    from pushproof.base.usage import end

    def error(machine: Any, message: str) -> None:
        end(ParseError(message, machine.context))

    leave_at_once()
    invoke.parser.parser.ParseMachine.error = error  # type: ignore[method-assign,assignment]


if program() == "invoke":
    _heed_as_invoke()
# Imports alone make the garbage collector run for a quarter of a second, most of it at exit, where it frees nothing.
gc.set_threshold(100_000)
atexit.register(gc.freeze)

COMMON = {
    "target": "where to act: embedded (default), local or remote; also SUPABASE_TARGET",
    "json": "print the result as JSON on standard output",
}


def after_dashes() -> str:
    """The arguments after `--` on the command line, quoted for a shell."""
    import shlex

    return shlex.join(sys.argv[sys.argv.index("--") + 1 :]) if "--" in sys.argv else ""


@task(help=COMMON)
def init(_: Context, target: str = "", json: bool = False) -> None:
    """Set up a project: write the files that it lacks

    tasks.py, a check, a test, .env.example, a workflow, and access.toml from what the API answers.
    """
    from pushproof.boundary import boundary
    from pushproof.commands.init import init

    with boundary(target, json=json) as run:
        init(run)


@task(help={**COMMON, "keyword": "only tests that match this pytest expression"})
def smoke(_: Context, target: str = "", keyword: str = "", json: bool = False) -> None:
    """Push, verify, test with users who really sign in: the main job

    Options for pytest other than -k go after two dashes: pushproof smoke -- -x -vv
    """
    from pushproof.boundary import boundary
    from pushproof.commands import smoke as command

    with boundary(target, json=json) as run:
        command.smoke(run, keyword=keyword, pytest_args=after_dashes())


@task(
    help={
        **COMMON,
        "dry_run": "show only the plan: the statements, what they lock and lose, and whom that blocks",
        "include_all": "also push versions that sort before the last applied one",
        "allow_loss": "push to a remote target even if rows, columns or tables are lost",
        "no_lint": "push to a remote target even if `pushproof lint` finds errors",
        "confirm": "the reference of the project, if it is marked as production",
        "rehearse": "try the push on a scratch stack first, also if the target is embedded or local",
        "skip_rehearsal": "do not rehearse, even if the target is remote",
    }
)
def push(
    _: Context,
    target: str = "",
    dry_run: bool = False,
    include_all: bool = False,
    allow_loss: bool = False,
    no_lint: bool = False,
    confirm: str = "",
    rehearse: bool = False,
    skip_rehearsal: bool = False,
    json: bool = False,
) -> None:
    """Push pending migrations by the CLI, then read the history back"""
    from pushproof.boundary import boundary
    from pushproof.commands.push import push
    from pushproof.deploy.pushing import PushOptions

    with boundary(target, json=json) as run:
        rehearsal = (rehearse and not skip_rehearsal) if rehearse or skip_rehearsal else None
        options = PushOptions(
            dry_run=dry_run,
            include_all=include_all,
            allow_loss=allow_loss,
            confirm=confirm,
            rehearse=rehearsal,
            lint=not no_lint,
            verify=True,
        )
        push(run, options)


@task(
    help={
        **COMMON,
        "from": "the last applied version, if the target is not reachable; 0 for none",
        "out": "the file to write (default: standard output)",
    }
)
def bundle(_: Context, target: str = "", from_: str = "", out: str = "", json: bool = False) -> None:
    """Write the pending migrations as one file for the SQL editor"""
    from pushproof.boundary import boundary
    from pushproof.commands.bundle import bundle

    with boundary(target, json=json) as run:
        bundle(run, after=from_, out=out)


@task(help={**COMMON, "file": "a file of SQL statements", "sql": "SQL statements"})
def execute(_: Context, target: str = "", file: str = "", sql: str = "", json: bool = False) -> None:
    """Run SQL, any number of statements, in one transaction"""
    from pushproof.boundary import boundary
    from pushproof.commands.execute import execute

    with boundary(target, json=json) as run:
        execute(run, file=file, sql=sql)


@task(
    help={
        **COMMON,
        "init": "write a first access.toml from what the API answers, or add what yours lacks",
        "differential": "ask each cell by SQL claims too, and report answers that differ",
        "only": "only cells whose name contains this, such as 'update public.notes'",
        "findings": "--no-findings: leave out the findings of advisors and linters",
        "junit": "write JUnit XML to this file",
        "sarif": "write SARIF to this file",
    }
)
def rls(
    _: Context,
    target: str = "",
    init: bool = False,
    differential: bool = False,
    only: str = "",
    findings: bool = True,
    junit: str = "",
    sarif: str = "",
    json: bool = False,
) -> None:
    """Prove supabase/access.toml: every actor, verb and relation"""
    from pushproof.boundary import boundary
    from pushproof.commands import rls as command

    with boundary(target, json=json) as run:
        if init:
            command.init(run)
        else:
            options = command.RlsOptions(
                differential=differential, junit=junit, sarif=sarif, only=only, findings=findings
            )
            command.rls(run, options)


@task(
    help={
        "only": "only mutants whose name contains this",
        "suite": "what has to notice: cells (of `rls`, with the checks) or pytest (your tests/smoke)",
        "every": "name every cell and check that notices, not only the first; takes longer",
        "json": COMMON["json"],
    }
)
def mutate(_: Context, only: str = "", suite: str = "cells", every: bool = False, json: bool = False) -> None:
    """Break each policy, grant and flag; does the proof notice?"""
    from pushproof.boundary import boundary
    from pushproof.commands.mutate import mutate

    with boundary(json=json) as run:
        mutate(run, only=only, suite=suite, every=every)


@task(
    help={
        **COMMON,
        "repair": "make files and history agree, after showing the changes",
        "keep": "which side is right: history (the files follow it) or files (the history follows them)",
        "yes": "do not ask before a repair",
        "confirm": "the reference of the project, if it is marked as production",
    }
)
def migrations(
    _: Context,
    target: str = "",
    repair: bool = False,
    keep: str = "history",
    yes: bool = False,
    confirm: str = "",
    json: bool = False,
) -> None:
    """Show files and history side by side, and repair differences"""
    from pushproof.boundary import boundary
    from pushproof.commands import migrations as command

    with boundary(target, json=json) as run:
        if repair:
            command.repair(run, keep=keep, yes=yes, confirm=confirm)
        else:
            command.list_migrations(run)


@task(
    help={
        **COMMON,
        "to": "the version to be the last applied one afterwards; 0 undoes all",
        "backup": "a new folder in which to save the rows that would be lost",
        "no_backup": "do not save them",
        "dry_run": "rehearse, and only show what would be undone and lost",
        "check": "apply, undo and apply again every migration on a scratch server",
        "confirm": "the reference of the project, if it is marked as production",
    }
)
def rollback(
    _: Context,
    target: str = "",
    to: str = "",
    backup: str = "",
    no_backup: bool = False,
    dry_run: bool = False,
    check: bool = False,
    confirm: str = "",
    json: bool = False,
) -> None:
    """Undo migrations by supabase/rollbacks; save lost rows first"""
    from pushproof.boundary import boundary
    from pushproof.commands import rollback as command
    from pushproof.commands import rollback_check

    with boundary(target, json=json) as run:
        if check:
            rollback_check.check(run)
        else:
            options = command.RollbackOptions(
                to=to, backup=backup, no_backup=no_backup, dry_run=dry_run, confirm=confirm
            )
            command.rollback(run, options)


@task(
    positional=["backup"],
    help={
        **COMMON,
        "backup": "the folder that `pushproof rollback --backup` made",
        "overwrite": "also set existing rows to their saved values",
        "confirm": "the reference of the project, if it is marked as production",
    },
)
def restore(
    _: Context, backup: str, target: str = "", overwrite: bool = False, confirm: str = "", json: bool = False
) -> None:
    """Load back the rows that a rollback saved"""
    from pushproof.boundary import boundary
    from pushproof.commands.rollback import restore

    with boundary(target, json=json) as run:
        restore(run, backup, overwrite=overwrite, confirm=confirm)


@task(help=COMMON)
def drift(_: Context, target: str = "", json: bool = False) -> None:
    """Compare the target's catalog with what its migrations build"""
    from pushproof.boundary import boundary
    from pushproof.commands.drift import drift

    with boundary(target, json=json) as run:
        drift(run)


@task(help=COMMON)
def verify(_: Context, target: str = "", json: bool = False) -> None:
    """Run the checks of supabase/checks on the target"""
    from pushproof.boundary import boundary
    from pushproof.commands.verify import verify

    with boundary(target, json=json) as run:
        verify(run)


@task(name="reset-local", help=COMMON)
def reset_local(_: Context, target: str = "", json: bool = False) -> None:
    """Empty the project, push, seed; embedded or local only"""
    from pushproof.boundary import boundary
    from pushproof.commands.reset import reset_local

    with boundary(target, json=json) as run:
        reset_local(run)


@task(
    help={
        **COMMON,
        "days": "delete rows that ended so many days ago",
        "include_idle": "also delete rows that never ended and did not change for so many days",
        "batch": "the most rows in one transaction; fewer if they take long",
        "dry_run": "only count, rows and bytes",
        "schedule": "let pg_cron do it every night",
        "unschedule": "remove the scheduled job",
        "confirm": "the reference of the project, if it is marked as production",
    }
)
def retention(
    _: Context,
    target: str = "",
    days: int = 90,
    include_idle: int = 0,
    batch: int = 5000,
    dry_run: bool = False,
    schedule: bool = False,
    unschedule: bool = False,
    confirm: str = "",
    json: bool = False,
) -> None:
    """Delete rows that ended long ago, in short transactions"""
    from pushproof.boundary import boundary
    from pushproof.commands.retention import RetentionOptions, retention

    options = RetentionOptions(
        days=days,
        batch=batch,
        idle=include_idle,
        dry_run=dry_run,
        schedule=schedule,
        unschedule=unschedule,
        confirm=confirm,
    )
    with boundary(target, json=json) as run:
        retention(run, options)


@task(help=COMMON)
def sweep(_: Context, target: str = "", json: bool = False) -> None:
    """Remove test users that an interrupted run left behind"""
    from pushproof.boundary import boundary
    from pushproof.commands.sweep import sweep

    with boundary(target, json=json) as run:
        sweep(run)


@task(help=COMMON)
def doctor(_: Context, target: str = "", json: bool = False) -> None:
    """Check what a run needs, and show how to fix each problem"""
    from pushproof.boundary import boundary
    from pushproof.commands.doctor import doctor

    with boundary(target, json=json) as run:
        doctor(run)


@task(help=COMMON)
def start(_: Context, target: str = "", json: bool = False) -> None:
    """Start the embedded stack, or its services that are down"""
    from pushproof.boundary import boundary
    from pushproof.commands.stack import start

    with boundary(target, json=json) as run:
        start(run)


@task(help={**COMMON, "all": "stop the stacks of all projects on this machine"})
def stop(_: Context, target: str = "", all: bool = False, json: bool = False) -> None:  # noqa: A002 - the option's name
    """Stop the embedded stack; its data stays"""
    from pushproof.boundary import boundary
    from pushproof.commands import stack

    with boundary(target, json=json) as run:
        if all:
            stack.stop_all(run)
        else:
            stack.stop(run)


@task(
    help={
        **COMMON,
        "all": "show the running stacks of all projects on this machine",
        "env": "print the stack's settings, secrets included, as lines for another project's .env",
    }
)
def status(
    _: Context,
    target: str = "",
    all: bool = False,  # noqa: A002 - the option's name
    env: bool = False,
    json: bool = False,
) -> None:
    """Show the embedded stack's services, and why one is down"""
    from pushproof.boundary import boundary
    from pushproof.commands import stack

    with boundary(target, json=json) as run:
        if all:
            stack.status_all(run)
        else:
            stack.status(run, env=env)


@task(
    help={
        "service": "only this service: postgres, postgrest or origin",
        "follow": "show new lines too, until Ctrl-C",
        "lines": "how many of the last lines of each log to show",
    }
)
def logs(_: Context, service: str = "", follow: bool = False, lines: int = 20) -> None:
    """Show the embedded stack's logs"""
    from pushproof.boundary import boundary
    from pushproof.commands.stack import logs

    with boundary() as run:
        logs(run, service=service, follow=follow, lines=lines)


@task(
    help={
        "since": "lint the files after this version as one push (default: every file as a separate push)",
        "sarif": "write SARIF to this file",
        "json": COMMON["json"],
    }
)
def lint(_: Context, since: str = "", sarif: str = "", json: bool = False) -> None:
    """Check the migrations by squawk and our own rules"""
    from pushproof.boundary import boundary
    from pushproof.commands.lint import lint

    with boundary(json=json) as run:
        lint(run, since=since, sarif=sarif)


@task(
    help={
        **COMMON,
        "only": "only panels whose name contains this",
        "watch": "repeat every so many seconds, until Ctrl-C",
    }
)
def monitor(_: Context, target: str = "", only: str = "", watch: float = 0.0, json: bool = False) -> None:
    """Show the target's state: indexes, sizes, locks, statements, …"""
    from pushproof.boundary import boundary
    from pushproof.commands.monitor import monitor

    with boundary(target, json=json) as run:
        monitor(run, only=only, watch=watch)


@task(help={**COMMON, "check": "write nothing; fail if the file is stale", "out": "write this file instead"})
def types(_: Context, target: str = "", check: bool = False, out: str = "", json: bool = False) -> None:
    """Write Python models of the target's tables, views and functions

    They go to supabase/database_types.py, by the CLI's `gen types`.
    """
    from pushproof.boundary import boundary
    from pushproof.commands.types import types

    with boundary(target, json=json) as run:
        types(run, check=check, out=out)


@task(
    help={**COMMON, "check": "write nothing; fail if a file is stale", "out": "the folder to write to (default: docs)"}
)
def diagram(_: Context, target: str = "", check: bool = False, out: str = "", json: bool = False) -> None:
    """Draw the tables and their foreign keys

    As docs/diagram.md (Mermaid, which GitHub and others render) and docs/diagram.svg.
    """
    from pushproof.boundary import boundary
    from pushproof.commands.diagram import diagram

    with boundary(target, json=json) as run:
        diagram(run, check=check, out=out)


@task(
    help={
        "suite": "what to measure: stack, rls, push, schema (the queries of supabase/bench) or load (many users)",
        "target": "load: where to act; never production",
        "runs": "how often to measure; the medians are shown (not for schema and load)",
        "rows": "schema: rows of the largest table, up to 20000000",
        "messages": "the former name of --rows",
        "against": "schema: a folder of other migrations to measure as well",
        "plots": "schema: a folder for the plots, SVG and PNG",
        "seed": "schema: the same seed gives the same data",
        "samples": "schema: executions of each query",
        "users": "load: how many users sign in",
        "seconds": "load: how long all of them are active",
        "json": COMMON["json"],
    }
)
def bench(
    _: Context,
    suite: str = "stack",
    target: str = "",
    runs: int = 5,
    rows: int = 1_000_000,
    messages: int = 0,
    against: str = "",
    plots: str = "",
    seed: int = 1,
    samples: int = 200,
    users: int = 50,
    seconds: int = 30,
    json: bool = False,
) -> None:
    """Measure commands, memory and queries on a stack of its own"""
    from pushproof.bench import suite_load, suite_schema
    from pushproof.boundary import boundary
    from pushproof.commands.bench import bench

    with boundary(target, json=json) as run:
        schema = suite_schema.SchemaOptions(
            rows=messages or rows, against=against, plots=plots, seed=seed, samples=samples
        )
        bench(run, suite=suite, runs=runs, schema=schema, load=suite_load.LoadOptions(users=users, seconds=seconds))


ns = Collection.from_module(sys.modules[__name__])
