"""`pushproof bench --suite push`: the time of the steps around a push, and many pushes at once."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pushproof.base.console import Console
from pushproof.base.documents import Figure
from pushproof.base.errors import FailedError
from pushproof.base.settings import Settings
from pushproof.bench.figures import Bench, figure
from pushproof.bench.suite_rls import write_tables
from pushproof.deploy.pushing import push
from pushproof.migrations.files import read_history
from pushproof.stack import local
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_project
from pushproof.target.database import connect

TABLES = 300
PUSHES, ROUNDS = 5, 20
ROW = "insert into public.measured_rows (id, name) values ({n:07}, 'Größe {n:07}');\n"
MANY_ROWS = 1_500_000 // len(ROW.format(n=0))


def rehearsal_seconds(invoke: Callable[..., str], runs: int) -> list[float]:
    """Seconds of rehearsals of all migrations, in new processes, on an empty stack; one to warm up is not counted."""
    pushes = [json.loads(invoke("push", "--dry-run", "--rehearse", "--json")) for _ in range(runs + 1)]
    return [document["rehearsal"]["seconds"] for document in pushes[1:]]


def idle_overhead(settings: Settings, invoke: Callable[[], object], runs: int) -> list[float]:
    """Seconds of `pushproof push` with nothing pending, less those of the bare CLI, measured in turn."""
    run = Run("", as_json=True, settings=settings, quiet=True)
    push(run)
    cli = local.cli(settings, Console(as_json=True))
    pairs = [(_seconds(invoke), _seconds(lambda: cli.push(run.target))) for _ in range(runs + 1)]
    return [ours - bare for ours, bare in pairs[1:]]


def planning_seconds(settings: Settings, invoke: Callable[..., object], runs: int) -> list[float]:
    """Seconds of a dry run of a file with 1.5 MB of rows, less those of a file with one row, measured in turn."""
    file = settings.migrations_dir / "099_rows.sql"

    def seconds(count: int) -> float:
        rows = "".join(ROW.format(n=n) for n in range(count))
        file.write_text(f"create table public.measured_rows (id bigint primary key, name text);\n{rows}")
        return _seconds(lambda: invoke("push", "--dry-run"))

    try:
        pairs = [(seconds(MANY_ROWS), seconds(1)) for _ in range(runs + 1)]
    finally:
        file.unlink()
    return [many - single for many, single in pairs[1:]]


def many_tables(settings: Settings) -> Iterator[Settings]:
    """A generated project with TABLES tables, pushed."""
    with scratch_project(settings, in_memory=False) as copy:
        for folder in ("migrations", "checks"):
            for file in (copy.supabase_dir / folder).glob("*.sql"):
                file.unlink()
        write_tables(copy, TABLES)
        push(Run("", as_json=True, settings=copy, quiet=True))
        yield copy


def clean_rounds(settings: Settings, invoke: Callable[[], object]) -> int:
    """How many rounds were clean: every push succeeded, and the file was applied once."""
    versions = itertools.count(100)
    run = Run("", as_json=True, settings=settings, quiet=True)
    clean = 0
    for _ in range(ROUNDS):
        version = next(versions)
        file = settings.migrations_dir / f"{version}_at_once.sql"
        file.write_text(f"create table public.at_once_{version} (id bigint primary key);\n")
        with ThreadPoolExecutor(PUSHES) as pool:
            pushes = [pool.submit(invoke) for _ in range(PUSHES)]
        try:
            for future in pushes:
                future.result()
        except FailedError:
            continue
        with connect(run.target) as connection:
            clean += [a.version for a in read_history(connection)].count(str(version)) == 1
    return clean


def _seconds(command: Callable[[], object]) -> float:
    began = time.perf_counter()
    command()
    return time.perf_counter() - began


def figures(bench: Bench) -> Iterator[Figure]:
    """Yield each figure when it is measured."""
    settings, runs = bench.settings, bench.runs
    yield figure("rehearsal of this project", rehearsal_seconds(bench.invoke, runs), "s", bar=3)
    idle = idle_overhead(settings, lambda: bench.invoke("push"), runs)
    yield figure("push with nothing pending, beyond the bare CLI", idle, "s", bar=1)
    rows = planning_seconds(settings, bench.invoke, runs)
    yield figure("1.5 MB of rows before the first statement, beyond one row", rows, "s", bar=2)
    yield figure("drift of this project", bench.seconds(lambda: bench.invoke("drift")), "s", bar=2)
    for copy in many_tables(settings):
        large = replace(bench, settings=copy)
        drift = large.seconds(lambda: large.invoke("drift"))  # noqa: B023 - called within the loop
        yield figure(f"drift of {TABLES} generated tables", drift, "s", bar=10)
    clean = clean_rounds(settings, lambda: bench.invoke("push"))
    name = f"clean rounds of {PUSHES} pushes at once, of {ROUNDS}"
    yield figure(name, [clean], "", bar=ROUNDS)
