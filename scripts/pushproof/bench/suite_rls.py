"""`pushproof bench --suite rls`: the speed of the proof and its mutants, and the cost of a large project."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator

from pushproof.base.documents import Figure
from pushproof.base.errors import FailedError
from pushproof.base.queries import query
from pushproof.base.settings import Settings
from pushproof.bench.figures import Bench, figure
from pushproof.deploy.pushing import push
from pushproof.proof.engine import Engine
from pushproof.proof.intent import FILE, load
from pushproof.proof.kinds import kinds
from pushproof.proof.probing import ask, catalog_of, probing
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_project

TABLES = (10, 20, 30)
KEY = " references {parent} (id) on delete cascade"
CHECK = (
    "\n  and (parent_id is null"
    " or exists (select from {parent} p where p.id = table_{n}.parent_id and p.user_id = (select auth.uid())))"
)
INTENT = """
[relations."public.table_{n}"]
owner = "user_id"
select = ["owner", "service"]
insert = ["owner", "service"]
update = ["owner", "service"]
delete = ["owner", "service"]
columns = ["title", "body", "done"]
insert_columns = ["user_id", "parent_id", "title", "body", "done"]
parents = {parents}
"""


def proof_seconds(settings: Settings, runs: int) -> tuple[int, list[float]]:
    """The number of cells, and the seconds of each run that asks them. One run to warm up is not counted."""
    run = Run("", as_json=True, settings=settings)
    push(run)
    catalog = catalog_of(settings, run.target)
    intent = load(settings.supabase_dir / FILE, catalog)
    seconds, count = [], 0
    for _ in range(runs + 1):
        with probing(settings, run.target, catalog, intent=intent, check=run.check) as (probe, _):
            engine = Engine(kinds(), probe)
            began = time.perf_counter()
            cells = ask(run.console, engine, engine.cases())
            seconds.append(time.perf_counter() - began)
            count = len(cells)
            if wrong := [c.reason for c in cells if not c.ok]:
                raise FailedError(f"a cell is not as declared: {wrong[0]}", "`pushproof rls` shows all of them")
    return count, seconds[1:]


def generated(settings: Settings) -> Iterator[tuple[int, int, float]]:
    """For each size of a generated project with four policies a table: tables, cells, seconds to ask the cells."""
    with scratch_project(settings, in_memory=False) as copy:
        for folder in ("migrations", "checks"):
            for file in (copy.supabase_dir / folder).glob("*.sql"):
                file.unlink()
        for tables in TABLES:
            write_tables(copy, tables)
            count, (seconds,) = proof_seconds(copy, 1)
            yield tables, count, seconds


def write_tables(settings: Settings, tables: int) -> None:
    """Write the migrations and access.toml of this many tables. Every second table refers to the one before it."""
    entries = []
    for n in range(tables):
        file = settings.migrations_dir / f"{n:03}_table.sql"
        parent = f"public.table_{n - 1}" if n % 2 else ""
        sql = query("bench/table").replace("%n%", str(n))
        sql = sql.replace("%key%", KEY.format(parent=parent) if parent else "")
        file.write_text(sql.replace("%check%", CHECK.format(parent=parent, n=n) if parent else ""))
        entries.append(INTENT.format(n=n, parents='["parent_id"]' if parent else "[]"))
    (settings.supabase_dir / FILE).write_text("".join(entries))


def peak_megabytes() -> float:
    """The largest resident size of this process so far, in MB."""
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def figures(bench: Bench) -> Iterator[Figure]:
    """Yield each figure when it is measured."""
    count, seconds = proof_seconds(bench.settings, bench.runs)
    yield figure("cells of this project", [count], "", bar=None)
    yield figure("cells a second, controls and read-backs included", [count / s for s in seconds], "/s", bar=150)
    yield figure("mutate, every mutant", bench.seconds(lambda: bench.invoke("mutate")), "s", bar=20)
    sizes = list(generated(bench.settings))
    for tables, cells, took in sizes:
        yield figure(f"{tables} generated tables: {cells} cells", [took], "s", bar=30)
    (_, few, fast), (_, many, slow) = sizes[0], sizes[-1]
    yield figure("seconds a cell, most tables against fewest", [(slow / many) / (fast / few)], "times", bar=None)
    yield figure("memory of the tool at its largest", [peak_megabytes()], "MB", bar=300)
