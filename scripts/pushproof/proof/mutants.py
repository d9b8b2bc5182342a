"""Mutants: derived from the catalog, each breaks one policy, grant or flag; and the trial of a mutant."""

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
NEAREST = 4  # cells; they take about as long as all checks together
FOLDER = resource(__package__, "mutants")
UNCALLED = "the API cannot call it, for its arguments have no names"


@dataclass(frozen=True)
class Mutant:
    """A change that breaks the database, and the SQL that mends it. `kind` is the name of its SQL file.

    `equivalent` says why it makes no difference over the API; None if it does.
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
        """Kind, object and change: unique in a run."""
        return f"{self.kind}: {self.object}, {self.change}"


@dataclass(frozen=True)
class Notice:
    """A cell, check or test that fails on a broken copy. `again` repeats it and returns what is still wrong.

    It does not kill (`kills`) if the test did not run because its set-up failed.
    """

    name: str
    reason: str
    again: Callable[[], str]
    kills: bool = True


Suite = Callable[[Clone, Mutant], Iterator[list[Notice]]]  # yields the failures of one cell, check or test at a time


@dataclass(frozen=True)
class Trial:
    """The result of a mutant: killed by the named cells, checks or tests, or survived. `error`: it was not tried."""

    mutant: Mutant
    killers: tuple[str, ...]
    reason: str
    seconds: float
    error: str = ""

    @property
    def killed(self) -> bool:
        """Whether anything noticed the mutant."""
        return bool(self.killers)

    @property
    def survived(self) -> bool:
        """Whether nothing noticed it, although it makes a difference."""
        return not self.killers and (bool(self.error) or not self.mutant.equivalent)


def derive(
    connection: psycopg.Connection[Any], schemas: Sequence[str], uncallable: Container[str | None] = ()
) -> list[Mutant]:
    """All mutants of all kinds. The API cannot call the functions in `uncallable`."""
    mutants = []
    for file in sorted(FOLDER.glob("*.sql")):
        with connection.transaction(force_rollback=True):
            connection.execute("set local search_path = ''")
            sql = query("proof/mutant_sources") + file.read_text(encoding="utf-8")
            rows = connection.execute(sql.encode(), {"schemas": list(schemas)}).fetchall()
        mutants += [Mutant(file.stem, *row) for row in rows]
    return [replace(m, equivalent=m.equivalent or UNCALLED) if m.routine in uncallable else m for m in mutants]


def try_mutant(clone: Clone, suite: Suite, mutant: Mutant, *, every: bool = False) -> Trial:
    """Break the clone, run the suite until a cell, check or test fails, or with `every` to its end, and mend the clone.

    A clone that cannot be restored is copied again. What failed is repeated on the mended clone; if it still fails,
    the mutant is not the cause, and StackError is raised.
    """
    import psycopg

    began = time.monotonic()
    clone.baseline = clone.baseline or clone.fingerprint()
    error = ""
    noticed: list[Notice] = []
    try:
        with clone.connection.transaction():
            clone.connection.execute(mutant.break_.encode())
        for notices in filter(None, suite(clone, mutant)):
            noticed += notices
            if not every:
                break
    except psycopg.Error as problem:
        error = problem.diag.message_primary or str(problem)
    finally:
        clone.mend(mutant.mend)
    _confirm(clone, noticed)
    killers = [notice for notice in noticed if notice.kills]
    if noticed and not killers:
        error = f"{noticed[0].name} could not be asked: {noticed[0].reason}"
    reason = killers[0].reason if killers else ""
    return Trial(
        mutant=mutant,
        killers=tuple(notice.name for notice in killers),
        reason=reason,
        seconds=time.monotonic() - began,
        error=error,
    )


def _confirm(clone: Clone, noticed: Sequence[Notice]) -> None:
    """Repeat what failed on the mended clone. Raises StackError if it still fails."""
    for again in dict.fromkeys(notice.again for notice in noticed):
        if failure := again():
            clone.check()
            raise StackError(
                f"{clone.name} was restored, but {failure}: the mutant is not the cause",
                "run this again; if it happens again, look for a test or function whose answers change",
            )


def cells_and_checks(clone: Clone, mutant: Mutant) -> Iterator[list[Notice]]:
    """A suite in order of cost: the nearest cells, the project's checks, other cells of the object, all other cells.

    An equivalent mutant gets no cells of other objects.
    """
    engine = Engine(kinds(), clone.probe)
    cases, target = engine.cases(), mutant.relation or mutant.routine
    near = sorted((c for c in cases if c.object == target), key=lambda c: _distance(c, mutant))
    yield from (_failed_cells(engine, case) for case in near[:NEAREST])
    for file in clone.checks:
        yield _failed_check(clone, file)
    yield from (_failed_cells(engine, case) for case in near[NEAREST:])
    if not mutant.equivalent:
        yield from (_failed_cells(engine, case) for case in cases if case.object != target)


def _failed_cells(engine: Engine, case: Case) -> list[Notice]:
    again = partial(_still_failing, lambda: _failed_cells(engine, case))
    return [Notice(cell.name, cell.reason, again) for cell in engine.ask(case) if not cell.ok]


def _failed_check(clone: Clone, file: Path) -> list[Notice]:
    verdict = clone.verdict(file)
    reason = f"expected {verdict.expected}, found {verdict.found}"
    again = partial(_still_failing, lambda: _failed_check(clone, file))
    return [] if verdict.ok else [Notice(f"check {verdict.check}", reason, again)]


def _still_failing(ask: Callable[[], list[Notice]]) -> str:
    """The first failure that stays; empty if all pass in time.

    The REST server may still have to read the schema, or to connect to a new copy.
    """
    remaining: list[Notice] = []

    def passes() -> bool:
        remaining[:] = ask()
        return not remaining

    return "" if wait_until(passes, timeout=SETTLE_SECONDS) else f"{remaining[0].name} is red ({remaining[0].reason})"


def _distance(case: Case, mutant: Mutant) -> tuple[bool, int]:
    """A sort key: cases with the mutant's verb first, then by cost: a catalog query, one request, several requests."""
    order = ("hidden", "grants", "select", "parents", "update", "delete", "insert", "keys")
    return case.verb not in f"{mutant.object} {mutant.change}", (*order, case.kind).index(case.kind)
