"""`pushproof mutate`: break each policy, grant and flag in turn, and check that the proof notices."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

from pushproof.base import process
from pushproof.base.errors import FailedError, RefusedError, UsageError
from pushproof.base.preload import import_meanwhile
from pushproof.checks.suite import FIRST
from pushproof.deploy.pushing import push
from pushproof.proof.clones import Clone, clones
from pushproof.proof.engine import Engine
from pushproof.proof.intent import FILE, load
from pushproof.proof.kinds import kinds
from pushproof.proof.mutants import Mutant, Notice, Suite, Trial, cells_and_checks, derive, try_mutant
from pushproof.proof.probing import catalog_of, probing
from pushproof.stack.run import Run, doubting
from pushproof.stack.scratch import scratch_project

if TYPE_CHECKING:
    from pushproof.base import documents

CLONES = 3


def mutate(run: Run, *, only: str = "", suite: str = "cells", every: bool = False) -> list[Trial]:
    """Try every mutant whose name contains `only`, on copies of the database that the migrations build.

    `suite` says what has to notice: "cells" (the cells of `pushproof rls`, and the checks) or "pytest". With `every`,
    all that notice are named, not only the first. Raises FailedError for a survivor, a red baseline or no mutants,
    RefusedError if the target is not embedded, UsageError for an unknown suite.
    """
    if suite not in SUITES:
        raise UsageError(f"unknown suite {suite!r}", f"choose one of {', '.join(SUITES)}")
    if run.settings.target != "embedded":
        raise RefusedError("mutate breaks databases, and makes its own", "leave out --target: it acts on embedded only")
    import_meanwhile("supabase", "urllib3")
    began = time.monotonic()
    with _copies(run, with_auth=suite == "pytest") as copies:
        _baseline(run, copies[0], suite)
        catalog = copies[0].probe.catalog
        mutants = derive(copies[0].connection, catalog.schemas, catalog.uncallable)
        chosen = [m for m in mutants if only in m.name]
        if not chosen:
            raise FailedError("no mutant: nothing is proved", "`pushproof mutate` without --only names them all")
        trials = _trials(
            run, copies, chosen, trial_of=lambda clone, m: try_mutant(clone, SUITES[suite], m, every=every)
        )
    report(run, trials, suite, seconds=time.monotonic() - began)
    return trials


@contextmanager
def _copies(run: Run, *, with_auth: bool) -> Iterator[list[Clone]]:
    """A scratch stack with all migrations pushed and the actors signed in, and copies of its database."""
    with scratch_project(run.settings) as settings:
        scratch = Run("", as_json=True, settings=settings, quiet=True)
        with doubting(scratch.check):
            push(scratch)
            catalog = catalog_of(settings, scratch.target)
            intent = load(settings.supabase_dir / FILE, catalog)
            with (
                probing(settings, scratch.target, catalog, intent=intent, keep=True, check=scratch.check) as (probe, _),
                clones(scratch.stack, probe, CLONES, with_auth=with_auth) as copies,
                doubting(copies[0].check),
            ):
                yield copies


def _baseline(run: Run, clone: Clone, suite: str) -> None:
    """Run the suite on the unbroken database. Raises FailedError if it is not green."""
    if suite == "pytest":
        red = [f"the {phase} of {name} fails" for name, phase in failing_tests(clone).items()]
        summary = "the tests of tests/smoke are green"
    else:
        engine = Engine(kinds(), clone.probe)
        cells = list(engine.run(engine.cases()))
        red = [c.reason for c in cells if not c.ok]
        red += [f"check {v.check}: expected {v.expected}, found {v.found}" for v in clone.verdicts() if not v.ok]
        summary = f"{len(cells)} cells and {len(clone.checks)} checks are green"
    if red:
        raise FailedError(
            f"the baseline is red before any mutant: {red[0]}",
            "`pushproof rls`, `pushproof verify` and `pushproof smoke` show all of it; fix that first",
            details="\n".join(red[1:10]),
        )
    run.console.status(f"baseline: {summary}")


def failing_tests(clone: Clone, *options: str) -> dict[str, str]:
    """The project's tests that fail on this copy, each with the phase that fails: setup, call or teardown.

    `options` go to pytest. Raises FailedError if the tests cannot run.
    """
    environment = process.inherited(
        **clone.target.environment,
        SUPABASE_WORKDIR=str(clone.project),
        PUSHPROOF_STATE_DIR=str(clone.project / f".{clone.name}"),
    )
    program = [sys.executable, "-m", "pushproof.failing", str(clone.tests), *options]
    done = process.run(program, cwd=clone.tests.parent, env=environment)
    try:
        failing: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        raise FailedError("the tests could not be run", "see below", details=done.stderr[-2000:]) from None
    return failing


def tests(clone: Clone, _: Mutant) -> Iterator[list[Notice]]:
    """The first test whose call fails, else the first whose setup or teardown does, which kills no mutant."""
    failing = failing_tests(clone, FIRST)
    for name, phase in sorted(failing.items(), key=lambda item: item[1] != "call")[:1]:
        yield [Notice(name, f"its {phase} fails", partial(_still_failing, clone, name), kills=phase == "call")]


def _still_failing(clone: Clone, name: str) -> str:
    return ", ".join(f"the {phase} of {test} fails" for test, phase in failing_tests(clone, name).items())


SUITES: dict[str, Suite] = {"cells": cells_and_checks, "pytest": tests}


def _trials(
    run: Run, copies: Sequence[Clone], mutants: Sequence[Mutant], trial_of: Callable[[Clone, Mutant], Trial]
) -> list[Trial]:
    """Try each mutant on a copy that is free."""
    free: SimpleQueue[Clone] = SimpleQueue()
    for clone in copies:
        free.put(clone)
    stopped = threading.Event()

    def attempt(mutant: Mutant) -> Trial | None:
        if stopped.is_set():
            return None
        clone = free.get()
        try:
            return trial_of(clone, mutant)
        finally:
            free.put(clone)

    trials = []
    with (
        run.console.progress("Breaking", total=len(mutants), unit="mutants") as advance,
        ThreadPoolExecutor(len(copies)) as pool,
    ):
        try:
            for trial in pool.map(attempt, mutants):
                trials.append(trial)
                advance(len(trials))
        finally:
            stopped.set()
    return [t for t in trials if t]


def report(run: Run, trials: Sequence[Trial], suite: str, seconds: float) -> None:
    """Show killed and surviving mutants by kind, then each survivor. Raises FailedError if there is one."""
    total, killed = Counter(t.mutant.kind for t in trials), Counter(t.mutant.kind for t in trials if t.killed)
    run.console.table(("mutants", "killed", "of"), [(kind, killed[kind], total[kind]) for kind in sorted(total)])
    survivors = [t for t in trials if t.survived]
    equivalent = [t for t in trials if not t.killed and not t.survived]
    for trial in equivalent:
        run.console.line(f"{trial.mutant.name}: {trial.mutant.equivalent}", head="equivalent")
    for trial in survivors:
        run.console.line(trial.mutant.name + (f" ({trial.error})" if trial.error else ""), ok=False, head="survived")
    counted = len(trials) - len(equivalent)
    score = 100 * sum(killed.values()) / max(1, counted)
    summary = f"{score:.0f} % of {counted} mutants killed" + (f", {len(equivalent)} equivalent" if equivalent else "")
    run.console.line(f"{summary} · {seconds:.1f} s", ok=not survivors, head="mutate")
    document: documents.Mutate = {
        "suite": suite,
        "score": round(score, 1),
        "seconds": round(seconds, 1),
        "mutants": [
            {
                "kind": t.mutant.kind,
                "object": t.mutant.object,
                "change": t.mutant.change,
                "killed_by": list(t.killers),
                "reason": t.reason,
                "equivalent": None if t.killed else t.mutant.equivalent,
                "error": t.error,
                "seconds": round(t.seconds, 3),
            }
            for t in trials
        ],
    }
    run.console.data(document)
    if survivors:
        raise FailedError(
            f"{len(survivors)} of {len(trials)} mutants survived: nothing would notice these holes",
            "declare more in supabase/access.toml, add a check to supabase/checks"
            + (", or a test to tests/smoke" if suite == "pytest" else ""),
        )
