"""Rehearse a push on a scratch stack; the target is only read.

The scratch stack gets the target's history and as many rows as the target has. Then the pending files, the checks and
the cells run on it, and it is removed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pushproof.base.console import Console, counted, entry
from pushproof.base.errors import FailedError, IntentError
from pushproof.base.queries import query
from pushproof.base.settings import Settings
from pushproof.checks.promises import CheckResult, results_of
from pushproof.migrations.files import Applied, Migration
from pushproof.migrations.plan import FilePlan, touched
from pushproof.migrations.replay import Script, Timing, rebuild, replay, script_of
from pushproof.migrations.statements import Statement
from pushproof.proof.catalog import Catalog, read_catalog
from pushproof.proof.cells import Cell
from pushproof.proof.engine import Engine
from pushproof.proof.findings import Context, Finding, LinterReport, collect, triage
from pushproof.proof.imitation import Imitated, imitate
from pushproof.proof.intent import FILE, Intent, load
from pushproof.proof.kinds import kinds
from pushproof.proof.probing import catalog_of, probing
from pushproof.proof.proposal import guess
from pushproof.stack.embedded import Stack, api_of
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_project
from pushproof.target.database import connect
from pushproof.target.targets import Target
from pushproof.tools import pgrls

if TYPE_CHECKING:
    from pushproof.base import documents

ROWS = 20_000  # of a table, at most
ENOUGH = 1000  # fewer rows are not enough to extrapolate the time
SLOW_SECONDS = 0.1  # locks and statements are shown that take as long
UNAVAILABLE = ("0A000", "58P01")  # an extension that the embedded PostgreSQL does not have
UNDEFINED = ("42704", "42P01", "42883", "42703", "3F000")  # an object that such an extension would have made


@dataclass
class Rehearsal:
    """The results. `gaps` has a line for each part of the target's schema that the scratch stack could not imitate."""

    history: int
    rows: list[Imitated] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    verdicts: list[CheckResult] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0

    @property
    def not_imitated(self) -> list[str]:
        """The gaps, and the tables that have fewer rows than the target. Fewer rows only make times less exact."""
        return self.gaps + [f"{r.rows} of {r.wanted:,} rows of {r.relation}: {r.why}" for r in self.rows if r.why]

    @property
    def red(self) -> list[str]:
        """A line for each red check, cell and finding."""
        return [
            *(f"check {v.check}: expected {v.expected}, found {v.found}" for v in self.verdicts if not v.ok),
            *(f"{c.name}: {c.reason}" for c in self.cells if not c.ok),
            *(v.sentence for f in self.findings if f.severe for v in f.shown),
        ]

    @property
    def document(self) -> documents.Rehearsal:
        """For --json."""
        return {
            "history": self.history,
            "rows": [entry(r) for r in self.rows],
            "files": [
                {
                    "file": t.script.where,
                    "seconds": round(t.total, 3),
                    "statements": [
                        {"line": s.line, "seconds": round(spent, 4), "locks": dict(locks)}
                        for s, spent, locks in zip(t.script.statements, t.seconds, t.locks, strict=True)
                    ],
                    "held": {n: {"blocks": b, "seconds": round(spent, 4)} for n, (b, spent) in t.held.items()},
                }
                for t in self.timings
            ],
            "not_imitated": self.not_imitated,
            "checks": len(self.verdicts),
            "cells": len(self.cells),
            "red": self.red,
            "seconds": round(self.seconds, 2),
        }


def rehearse(run: Run, history: Sequence[Applied], pending: Sequence[Migration], plan: Sequence[FilePlan]) -> Rehearsal:
    """Run the pending files on an imitation of the target, and print the results.

    Raises SqlError for a statement that fails, IntentError for a gap in access.toml, and FailedError for a red check,
    cell or finding. If a part of the schema could not be imitated, red results are only printed.
    """
    began = time.monotonic()
    seen = Rehearsal(len(history))
    linter = pgrls.ensure(run.settings, run.console) if (run.settings.supabase_dir / FILE).exists() else None
    migrated: Future[Target] = Future()  # the database, after the pending files were applied
    with (
        run.console.doing("Rehearsing"),
        scratch_project(run.settings) as settings,
        ThreadPoolExecutor(4) as pool,
        contextlib.ExitStack() as cleanup,
    ):
        cleanup.callback(migrated.cancel)  # or else the exit of the pool waits for the linter, which waits for this
        schemas = api_of(settings.supabase_dir / "config.toml").schemas
        lint = pool.submit(pgrls.lint, linter, migrated.result, schemas) if linter else None
        stack = Stack(settings, Console(as_json=True, quiet=True))
        stack.start(("postgres",))
        database = stack.target()
        auth = pool.submit(stack.start, ("origin",))
        with connect(run.target) as source, connect(database) as connection:
            seen.gaps += rebuild(source, connection, history, folder=run.settings.migrations_dir)
        _fill(database, settings, plan, seen=seen)
        _try(database, pending, seen, limit=run.settings.statement_timeout)
        migrated.set_result(database)
        rest = pool.submit(stack.start)  # not earlier: it reads the schema when it starts
        if (settings.supabase_dir / "checks").is_dir():
            seen.verdicts = results_of(database, settings.supabase_dir / "checks")
        if lint:
            auth.result()
            _prove(stack, pool, rest, lint=lint, seen=seen)
    seen.seconds = time.monotonic() - began
    _report(run, seen)
    return seen


def _fill(database: Target, settings: Settings, plan: Sequence[FilePlan], seen: Rehearsal) -> None:
    """Fill the tables that the pending files affect with as many rows as the target has."""
    uses = touched(plan)
    with connect(database) as connection:
        qualified = dict(connection.execute(query("migrations/relation_names"), {"names": sorted(uses)}).fetchall())
    seen.gaps += [f"no migration of the history makes {name}" for name in sorted(uses.keys() - qualified.keys())]
    wanted = {qualified[name]: use.rows for name, use in uses.items() if use.rows and name in qualified}
    if wanted:
        with connect(database) as connection:
            catalog = read_catalog(connection, api_of(settings.supabase_dir / "config.toml").schemas)
        seen.rows += imitate(lambda: connect(database), catalog, _intent(settings, catalog), wanted=wanted, limit=ROWS)


def _intent(settings: Settings, catalog: Catalog) -> Intent:
    """The intent of access.toml, or a guess while it names objects that only the pending files make."""
    with contextlib.suppress(IntentError):
        return load(settings.supabase_dir / FILE, catalog, otherwise=guess(catalog))
    return guess(catalog)


def _try(database: Target, pending: Sequence[Migration], seen: Rehearsal, limit: str) -> None:
    """Run the pending files, and time each statement."""

    def on_error(script: Script, statement: Statement, problem: Any) -> bool:
        extension = type(statement.node).__name__ == "CreateExtensionStmt" and problem.sqlstate in UNAVAILABLE
        gap = extension or (problem.sqlstate in UNDEFINED and bool(seen.gaps))
        if gap:
            seen.gaps.append(f"{script.where}:{statement.line} {problem.diag.message_primary}")
        return gap

    with connect(database) as connection:
        for migration in pending:
            script = script_of(migration.version, migration.name, migration.path.name, sql=migration.sql)
            seen.timings.append(replay(connection, script, on_error=on_error, limit=limit))


def _prove(
    stack: Stack, pool: Executor, rest: Future[list[str]], lint: Future[list[pgrls.Violation]], seen: Rehearsal
) -> None:
    """Check the cells of access.toml, and the findings of pgrls and of our own linters, on the scratch database."""
    target = stack.target()
    settings = stack.settings
    catalog = catalog_of(settings, target)
    intent = load(settings.supabase_dir / FILE, catalog)

    def reports() -> list[LinterReport]:
        with connect(target) as connection:
            return collect(
                None, lint.result, target, catalog=catalog, database=connection
            )  # without the CLI, which takes a second

    linted = pool.submit(reports)
    with probing(settings, target, catalog, intent=intent, keep=True, check=stack.check) as (probe, actors):
        rest.result()
        engine = Engine(kinds(), probe)
        seen.cells = list(engine.run(engine.cases()))
        seen.findings = triage(Context(probe, actors, seen.cells), linted.result())


def _report(run: Run, seen: Rehearsal) -> None:
    console = run.console
    for timing in seen.timings:
        console.status(f"{timing.total:.2f} s", head=f"rehearsed {timing.script.where}")
        for line in _slow(timing, seen.rows):
            console.status(f"    {line}", style="yellow")
    for gap in seen.not_imitated:
        console.status(gap, head="not imitated", style="yellow")
    red = seen.red
    for line in red:
        console.status(line, head="rehearsal", style="red")
    proved = [
        counted(len(seen.verdicts), "check") if seen.verdicts else "no checks",
        counted(len(seen.cells), "cell") if seen.cells else f"no supabase/{FILE}: access was not proved",
    ]
    summary = f"{counted(seen.history, 'migration')} of the history, {', '.join(proved)} · {seen.seconds:.1f} s"
    console.status(summary, head="rehearsal", style="green" if not red else "yellow")
    if red and not seen.gaps:
        raise FailedError(
            f"the rehearsal is red: {red[0]}",
            "nothing was pushed; fix it, or push without a rehearsal: --skip-rehearsal",
            details="\n".join(red[1:]),
        )


def _slow(timing: Timing, rows: Sequence[Imitated]) -> Iterator[str]:
    filled = {imitated.relation: imitated for imitated in rows}
    for relation, (blocks, seconds) in timing.held.items():
        table = filled.get(relation)
        expected = seconds * table.wanted / table.rows if table and ENOUGH <= table.rows < table.wanted else seconds
        if table and expected >= SLOW_SECONDS:
            about = f", about {expected:.1f} s with its {table.wanted:,}" if expected > seconds else ""
            yield f"blocks {blocks} of {relation} for {seconds:.2f} s with {counted(table.rows, 'row')}{about}"
    for statement, seconds in zip(timing.script.statements, timing.seconds, strict=True):
        if seconds >= SLOW_SECONDS:
            yield f"line {statement.line}: {seconds:.2f} s"
