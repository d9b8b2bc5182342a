"""Derives all cases, asks them in parallel, and makes sure that no cell is missing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import Case, Cell, Kind, Probe, unaskable
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import FAILED
from pushproof.proof.unaskable import NotAloneError, UnansweredError, UnaskableError

WORKERS = 4


@dataclass(frozen=True)
class Engine:
    """Asks the cases of these kinds with `workers` threads."""

    kinds: dict[str, Kind]
    probe: Probe
    workers: int = WORKERS

    def cases(self) -> list[Case]:
        """All cases of its kinds."""
        return derive(self.kinds, self.probe.catalog, self.probe.intent)

    def run(self, cases: Iterable[Case]) -> Iterator[Cell]:
        """Ask the cases and yield their cells as they come.

        Cases that must run alone come last, one by one, and with them those that raised NotAloneError.
        """
        cases, stopped, rows = list(cases), threading.Event(), self.probe.rows
        together, alone = [c for c in cases if not c.alone], [c for c in cases if c.alone]

        def attempt(case: Case) -> list[Cell] | None:
            try:
                return [] if stopped.is_set() else self.ask(case)
            except NotAloneError:
                return None

        rows.parallel = True
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                for case, cells in zip(together, pool.map(attempt, together), strict=True):
                    yield from cells or []
                    alone += [case] if cells is None else []
            finally:
                stopped.set()  # leaving the pool waits for queued cases
        rows.parallel = False
        for case in alone:
            yield from self.ask(case)

    def ask(self, case: Case) -> list[Cell]:
        """Ask one case: one cell for each of its actors, also if it cannot be asked."""
        try:
            cells = list(self.kinds[case.kind].ask(self.probe, case))
        except (UnaskableError, UnansweredError) as error:
            cells = list(unaskable(case, error))
        missing = set(case.expected) - {c.actor for c in cells}
        lost = [
            Cell(
                case=case,
                actor=a,
                expected=case.expected[a],
                observed=FAILED,
                reason="this cell was derived and never asked",
            )
            for a in missing
        ]
        return cells + lost


def derive(kinds: dict[str, Kind], catalog: Catalog, intent: Intent) -> list[Case]:
    """All cases of all kinds."""
    return [case for kind in kinds.values() for case in kind.derive(catalog, intent)]
