"""Mutants: every policy, grant and flag broken in turn, derived from the catalog, and how one is tried."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.rls.cells import Case
from scripts.rls.clones import Clone
from scripts.rls.engine import Engine

if TYPE_CHECKING:
    import psycopg

FOLDER = Path(__file__).parent / "mutants"


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


@dataclass(frozen=True)
class Trial:
    """How a mutant fared: killed by the first cell or check that noticed, or survived. `error`: it was not tried."""

    mutant: Mutant
    killer: str
    reason: str
    seconds: float
    error: str = ""

    @property
    def killed(self) -> bool:
        return bool(self.killer)

    @property
    def survived(self) -> bool:
        """Not noticed, though it makes a difference."""
        return not self.killer and (bool(self.error) or not self.mutant.equivalent)


def derive(connection: psycopg.Connection[Any], schemas: Sequence[str]) -> list[Mutant]:
    """Every mutant of every kind."""
    found = []
    for file in sorted(FOLDER.glob("*.sql")):
        with connection.transaction(force_rollback=True):
            connection.execute("set local search_path = ''")
            rows = connection.execute(file.read_bytes(), {"schemas": list(schemas)}).fetchall()
        found += [Mutant(file.stem, *row) for row in rows]
    return found


def try_mutant(clone: Clone, engine: Engine, cases: Sequence[Case], mutant: Mutant) -> Trial:
    """Break, ask until something notices, mend; a clone that does not come out as it was is made anew."""
    import psycopg

    began = time.monotonic()
    connection = clone.connection
    clone.baseline = clone.baseline or clone.fingerprint()
    killer = reason = error = ""
    try:
        _run(connection, mutant.break_)
        killer, reason = next(_noticing(clone, engine, cases, mutant), ("", ""))
    except psycopg.Error as problem:
        error = problem.diag.message_primary or str(problem)
    finally:
        clone.mend(mutant.mend)
    return Trial(mutant, killer, reason, time.monotonic() - began, error)


def _noticing(clone: Clone, engine: Engine, cases: Sequence[Case], mutant: Mutant) -> Iterator[tuple[str, str]]:
    """The cells on its object, the project's checks, then every other cell unless it makes no difference."""
    of = mutant.relation or mutant.routine
    yield from _wrong(engine, sorted((c for c in cases if c.object == of), key=lambda c: _distance(c, mutant)))
    for verdict in clone.verdicts():
        if not verdict.ok:
            yield f"check {verdict.check}", f"expected {verdict.expected}, found {verdict.found}"
    if not mutant.equivalent:
        yield from _wrong(engine, (c for c in cases if c.object != of))


def _wrong(engine: Engine, cases: Iterable[Case]) -> Iterator[tuple[str, str]]:
    return ((cell.name, cell.reason) for case in cases for cell in engine.ask(case) if not cell.ok)


def _distance(case: Case, mutant: Mutant) -> tuple[bool, int]:
    """Those with the same verb first; a look at the catalog costs less than a request, one request less than many."""
    order = ("hidden", "grants", "select", "parents", "update", "delete", "insert", "keys")
    return case.verb not in f"{mutant.object} {mutant.change}", (*order, case.kind).index(case.kind)


def _run(connection: psycopg.Connection[Any], script: str) -> None:
    with connection.transaction():
        connection.execute(script.encode())
