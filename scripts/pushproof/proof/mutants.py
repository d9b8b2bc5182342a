"""Mutants: every policy, grant and flag broken in turn, derived from the catalog, and how one is tried."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import StackError
from pushproof.base.queries import query
from pushproof.base.resources import resource
from pushproof.base.waiting import wait_until
from pushproof.proof.cells import Case
from pushproof.proof.clones import Clone
from pushproof.proof.engine import Engine
from pushproof.proof.kinds import kinds

if TYPE_CHECKING:
    import psycopg

SETTLE_SECONDS = 10
NEAREST = 4  # cells, which cost about as much as all checks together
FOLDER = resource(__package__, "mutants")
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


@dataclass(frozen=True)
class Notice:
    """A cell, check or test that is wrong on a broken copy. `again` asks for it anew, and says what is wrong then.

    It does not kill where the test was not run, because its set-up failed.
    """

    name: str
    reason: str
    again: Callable[[], str]
    kills: bool = True


Suite = Callable[[Clone, Mutant], Iterator[list[Notice]]]  # what each question told


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
            sql = query("proof/mutant_sources") + file.read_text(encoding="utf-8")
            rows = connection.execute(sql.encode(), {"schemas": list(schemas)}).fetchall()
        found += [Mutant(file.stem, *row) for row in rows]
    return [replace(m, equivalent=m.equivalent or UNCALLED) if m.routine in uncallable else m for m in found]


def try_mutant(clone: Clone, suite: Suite, mutant: Mutant, *, every: bool = False) -> Trial:
    """Break, ask until something notices, or with `every` all there is, and mend.

    A clone that does not come out as it was is made anew. What noticed the break is asked again of the mended clone;
    raises StackError where that is no better, for then something else than the mutant is broken.
    """
    import psycopg

    began = time.monotonic()
    clone.baseline = clone.baseline or clone.fingerprint()
    error = ""
    noticed: list[Notice] = []
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
    _confirm(clone, noticed)
    killers = [one for one in noticed if one.kills]
    if noticed and not killers:
        error = f"{noticed[0].name} could not be asked: {noticed[0].reason}"
    reason = killers[0].reason if killers else ""
    return Trial(
        mutant=mutant,
        killers=tuple(one.name for one in killers),
        reason=reason,
        seconds=time.monotonic() - began,
        error=error,
    )


def _confirm(clone: Clone, noticed: Sequence[Notice]) -> None:
    """Raise StackError unless all is well again, now that the clone is mended."""
    for again in dict.fromkeys(one.again for one in noticed):
        if words := again():
            clone.check()
            raise StackError(
                f"{clone.name} was restored, but {words}: the mutant is not the cause",
                "run this again; if it happens again, look for a test or function whose answers change",
            )


def cells_and_checks(clone: Clone, mutant: Mutant) -> Iterator[list[Notice]]:
    """What costs least first: the nearest cells, the project's checks, the other cells on its object, then all others.

    The last are left out where it makes no difference.
    """
    engine = Engine(kinds(), clone.probe)
    cases, of = engine.cases(), mutant.relation or mutant.routine
    near = sorted((c for c in cases if c.object == of), key=lambda c: _distance(c, mutant))
    yield from (_wrong(engine, case) for case in near[:NEAREST])
    for file in clone.checks:
        yield _red(clone, file)
    yield from (_wrong(engine, case) for case in near[NEAREST:])
    if not mutant.equivalent:
        yield from (_wrong(engine, case) for case in cases if case.object != of)


def _wrong(engine: Engine, case: Case) -> list[Notice]:
    again = partial(_still_wrong, lambda: _wrong(engine, case))
    return [Notice(cell.name, cell.reason, again) for cell in engine.ask(case) if not cell.ok]


def _red(clone: Clone, file: Path) -> list[Notice]:
    verdict = clone.verdict(file)
    words = f"expected {verdict.expected}, found {verdict.found}"
    again = partial(_still_wrong, lambda: _red(clone, file))
    return [] if verdict.ok else [Notice(f"check {verdict.check}", words, again)]


def _still_wrong(ask: Callable[[], list[Notice]]) -> str:
    """What is wrong in the end: the REST server may have yet to read the schema, or to connect to a new copy."""
    left: list[Notice] = []

    def is_well() -> bool:
        left[:] = ask()
        return not left

    return "" if wait_until(is_well, timeout=SETTLE_SECONDS) else f"{left[0].name} is red ({left[0].reason})"


def _distance(case: Case, mutant: Mutant) -> tuple[bool, int]:
    """Those with the same verb first; a look at the catalog costs less than a request, one request less than many."""
    order = ("hidden", "grants", "select", "parents", "update", "delete", "insert", "keys")
    return case.verb not in f"{mutant.object} {mutant.change}", (*order, case.kind).index(case.kind)
