"""Mutants: every policy, grant and flag broken in turn, derived from the catalog, and how one is tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.rls.cells import Case
from scripts.rls.clones import Clone
from scripts.rls.engine import Engine
from scripts.rls.kinds import kinds

if TYPE_CHECKING:
    import psycopg

NEAREST = 4  # cells, which cost about as much as all checks together
FOLDER = Path(__file__).parent / "mutants"
UNCALLED = "the API cannot call it, for its arguments have no names"


@dataclass(frozen=True)
class Mutant:
    """One break and what mends it. `kind` is the SQL file that derived it.

    `equivalent` is the reasoning where it cannot make a difference over the API.
    """

    kind: str
    object: str
    relation: str | None
    routine: str | None
    change: str
    break_: str
    mend: str
    equivalent: str | None

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.object}, {self.change}"


Noticed = list[tuple[str, str]]  # what one question told: each cell, check or test that is wrong now, and why
Suite = Callable[[Clone, Mutant], Iterator[Noticed]]


@dataclass(frozen=True)
class Trial:
    """How a mutant fared: killed by the cells, checks or tests that noticed, or survived. `error`: it was not tried."""

    mutant: Mutant
    killers: tuple[str, ...]
    reason: str
    seconds: float
    error: str = ""

    @property
    def killed(self) -> bool:
        return bool(self.killers)

    @property
    def survived(self) -> bool:
        """Not noticed, though it makes a difference."""
        return not self.killers and (bool(self.error) or not self.mutant.equivalent)


def derive(
    connection: psycopg.Connection[Any], schemas: Sequence[str], uncallable: Container[str | None] = ()
) -> list[Mutant]:
    """Every mutant of every kind. `uncallable` functions are not reached by the API."""
    found = []
    for file in sorted(FOLDER.glob("*.sql")):
        with connection.transaction(force_rollback=True):
            connection.execute("set local search_path = ''")
            rows = connection.execute(file.read_bytes(), {"schemas": list(schemas)}).fetchall()
        found += [Mutant(file.stem, *row) for row in rows]
    return [replace(m, equivalent=m.equivalent or UNCALLED) if m.routine in uncallable else m for m in found]


def try_mutant(clone: Clone, suite: Suite, mutant: Mutant, *, every: bool = False) -> Trial:
    """Break, ask until something notices, or with `every` all there is, and mend.

    A clone that does not come out as it was is made anew.
    """
    import psycopg

    began = time.monotonic()
    clone.baseline = clone.baseline or clone.fingerprint()
    error = ""
    noticed: Noticed = []
    try:
        with clone.connection.transaction():
            clone.connection.execute(mutant.break_.encode())
        for found in filter(None, suite(clone, mutant)):
            noticed += found
            if not every:
                break
    except psycopg.Error as problem:
        error = problem.diag.message_primary or str(problem)
    finally:
        clone.mend(mutant.mend)
    killers = tuple(killer for killer, _ in noticed)
    return Trial(mutant, killers, noticed[0][1] if noticed else "", time.monotonic() - began, error)


def cells_and_checks(clone: Clone, mutant: Mutant) -> Iterator[Noticed]:
    """What costs least first: the nearest cells, the project's checks, the other cells on its object, then all others.

    The last are left out where it makes no difference.
    """
    engine = Engine(kinds(), clone.probe)
    cases, of = engine.cases(), mutant.relation or mutant.routine
    near = sorted((c for c in cases if c.object == of), key=lambda c: _distance(c, mutant))
    yield from (_wrong(engine, case) for case in near[:NEAREST])
    for verdict in clone.verdicts():
        yield [] if verdict.ok else [(f"check {verdict.check}", f"expected {verdict.expected}, found {verdict.found}")]
    yield from (_wrong(engine, case) for case in near[NEAREST:])
    if not mutant.equivalent:
        yield from (_wrong(engine, case) for case in cases if case.object != of)


def _wrong(engine: Engine, case: Case) -> Noticed:
    return [(cell.name, cell.reason) for cell in engine.ask(case) if not cell.ok]


def _distance(case: Case, mutant: Mutant) -> tuple[bool, int]:
    """Those with the same verb first; a look at the catalog costs less than a request, one request less than many."""
    order = ("hidden", "grants", "select", "parents", "update", "delete", "insert", "keys")
    return case.verb not in f"{mutant.object} {mutant.change}", (*order, case.kind).index(case.kind)
