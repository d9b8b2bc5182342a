"""`pushproof rls`: compare what each actor can do over HTTP with supabase/access.toml."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pushproof.base.errors import FailedError
from pushproof.base.preload import import_meanwhile
from pushproof.base.queries import query
from pushproof.migrations.gate import refuse_production, turn
from pushproof.proof import reports
from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import Cell
from pushproof.proof.coverage import coverage
from pushproof.proof.differential import disagreements
from pushproof.proof.engine import Engine, derive
from pushproof.proof.findings import Context, Finding, LinterReport, collect, triage
from pushproof.proof.intent import FILE, LOOK, load
from pushproof.proof.kinds import kinds
from pushproof.proof.probing import MAKES_ROWS, ask, catalog_of, probing
from pushproof.proof.proposing import propose
from pushproof.stack import local
from pushproof.stack.run import Run
from pushproof.target.api import check_keys
from pushproof.target.database import connect
from pushproof.target.testusers import check_one_project
from pushproof.tools import pgrls

if TYPE_CHECKING:
    from pushproof.base import documents

SHOWN = 5  # failing cells that the error names


@dataclass(frozen=True, kw_only=True)
class RlsOptions:
    """The options of `pushproof rls`. `junit` and `sarif` are files to write; `only` is a part of the cells' names."""

    differential: bool = False
    junit: str = ""
    sarif: str = ""
    only: str = ""
    findings: bool = True


def rls(run: Run, options: RlsOptions) -> list[Cell]:
    """Ask every cell, try each finding of the linters, and report.

    Raises FailedError for a cell that is not as declared, a leak, or no cell; RefusedError on production.
    """
    refuse_production(run.settings, MAKES_ROWS)
    with turn(run, "rls", shared=True):
        return _rls(run, options)


def _rls(run: Run, options: RlsOptions) -> list[Cell]:
    import_meanwhile("supabase", "urllib3")
    target = run.target
    linter = pgrls.ensure(run.settings, run.console) if options.findings and not options.only else None
    check_keys(target)
    check_one_project(target, run.settings.state_dir)
    catalog = catalog_of(run.settings, target)
    intent = load(run.settings.supabase_dir / FILE, catalog)
    if unreviewed := (run.settings.supabase_dir / FILE).read_text(encoding="utf-8").count(LOOK):
        warning = f"{unreviewed} lines of supabase/{FILE} still say `look`: what they allow others counts as denied"
        run.console.status(warning, head="not reviewed", style="yellow")
    cases = [c for c in derive(kinds(), catalog, intent) if options.only in c.name]
    if not cases:
        raise FailedError(f"no cell matches {options.only!r}: nothing is proved", "`pushproof rls --json` names them")
    with probing(run.settings, target, catalog, intent=intent, check=run.check) as (probe, actors):
        began = time.monotonic()
        cells = ask(run.console, Engine(kinds(), probe), cases)
        seconds = time.monotonic() - began
        differing = list(disagreements(probe, cells)) if options.differential else []
        linter_reports = _reports(run, linter, catalog) if linter else []
        findings = triage(Context(probe, actors, cells), linter_reports)
        if _red(cells, findings) or differing:
            run.check()
    report(run, cells, findings, catalog=catalog, seconds=seconds, options=options, elsewhere=_elsewhere(run))
    for pair in differing:
        run.console.line(
            f"{pair.cell.name}: {pair.cell.observed} by token, {pair.by_sql} by SQL claims ({pair.words})", ok=False
        )
    _judge(cells, findings, len(differing))
    return cells


def _elsewhere(run: Run) -> dict[str, int]:
    """The number of policies on each relation of another API than REST."""
    with connect(run.target) as connection:
        return dict(connection.execute(query("commands/policies_elsewhere")).fetchall())


def _reports(run: Run, linter: Path, catalog: Catalog) -> list[LinterReport]:
    """What the CLI's advisors and pgrls report."""
    with run.console.doing("supabase db advisors, pgrls"), connect(run.target) as connection:
        lint = partial(pgrls.lint, linter, lambda: run.target, catalog.schemas)
        return collect(local.cli(run.settings, run.console), lint, run.target, catalog=catalog, database=connection)


def init(run: Run) -> None:
    """Write a first access.toml, or add what it lacks, and report. Raises what `propose` raises."""
    looks = propose(run)
    document: documents.RlsInit = {"file": str(run.settings.supabase_dir / FILE), "looks": looks}
    run.console.data(document)


def report(
    run: Run,
    cells: Sequence[Cell],
    findings: Sequence[Finding],
    catalog: Catalog,
    seconds: float,
    options: RlsOptions,
    elsewhere: Mapping[str, int],
) -> None:
    """Show matrix, failures, coverage and findings; write JUnit XML and SARIF if asked for. `seconds`: of all cells."""
    covered = coverage(catalog, cells)
    actors = list(dict.fromkeys(c.actor for c in cells if c.case.kind == "select")) or sorted({c.actor for c in cells})
    reports.matrix(run.console, cells, actors)
    reports.failures(run.console, cells)
    if not options.only:
        reports.uncovered(run.console, covered)
    for name, count in elsewhere.items():
        run.console.line(f"{count} policies on {name}: only the REST API is asked", head="not asked")
    for name in catalog.uncallable:
        run.console.line(f"{name}: the API cannot call it, because its arguments have no names", head="not asked")
    reports.findings(run.console, findings, asked=options.findings and not options.only)
    if options.junit:
        reports.write_junit(Path(options.junit), cells, findings, seconds=seconds)
    if options.sarif:
        reports.write_sarif(Path(options.sarif), cells, findings)
    bad = sum(not c.ok for c in cells)
    summary = f"{len(cells)} cells, {bad} not as declared · {len(cells) / seconds:.0f} a second · {seconds:.1f} s"
    run.console.line(summary, ok=not bad, head="rls")
    not_asked = elsewhere, catalog.uncallable
    run.console.data(
        reports.document(cells, covered, findings, target=run.target, not_asked=not_asked, seconds=seconds)
    )


def _red(cells: Sequence[Cell], findings: Sequence[Finding]) -> list[str]:
    """The names of cells that are not as declared, or else the leaks."""
    return [c.name for c in cells if not c.ok] or [f"a leak in {f.object}" for f in findings if f.severe]


def _judge(cells: Sequence[Cell], findings: Sequence[Finding], differing: int) -> None:
    """Raises FailedError for a red cell, a leak, or cells that differ by token and by SQL claims."""
    red = _red(cells, findings)
    if red or differing:
        more = f" and {len(red) - SHOWN} more" if len(red) > SHOWN else ""
        differences = f"{differing} cells differ between token and SQL claims" if differing else ""
        raise FailedError(
            "; ".join(cause for cause in (", ".join(red[:SHOWN]) + more, differences) if cause),
            "the first red line above says what happened; fix the schema, or supabase/access.toml if it is wrong",
        )
