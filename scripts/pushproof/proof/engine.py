"""Derives every case, asks them in parallel, and makes sure that no cell went missing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pushproof.proof.catalog import Catalog
from pushproof.proof.cells import Case, Cell, Kind, Probe, unaskable
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import FAILED
from pushproof.proof.unaskable import CrowdedError, UnansweredError, UnaskableError

WORKERS = 4


@dataclass(frozen=True)
class Engine:
    """The kinds of cases, and who asks."""

    kinds: dict[str, Kind]
    probe: Probe
    workers: int = WORKERS

    def cases(self) -> list[Case]:
        return derive(self.kinds, self.probe.catalog, self.probe.intent)

    def run(self, cases: Iterable[Case]) -> Iterator[Cell]:
        """Ask them; cells come as they are settled.

        Cases that must be alone come last, one by one, and with them those that found no room among the others.
        """
        asked, stopped, rows = list(cases), threading.Event(), self.probe.rows
        together, alone = [c for c in asked if not c.alone], [c for c in asked if c.alone]

        def attempt(case: Case) -> list[Cell] | None:
            try:
                return [] if stopped.is_set() else self.ask(case)
            except CrowdedError:
                return None

        rows.crowded = True
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                for case, cells in zip(together, pool.map(attempt, together), strict=True):
                    yield from cells or []
                    alone += [case] if cells is None else []
            finally:
                stopped.set()  # the pool's exit waits for what is queued
        rows.crowded = False
        for case in alone:
            yield from self.ask(case)

    def ask(self, case: Case) -> list[Cell]:
        """One cell for each actor of the case, whatever happens."""
        try:
            cells = list(self.kinds[case.kind].ask(self.probe, case))
        except (UnaskableError, UnansweredError) as why:
            cells = list(unaskable(case, why))
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
    """Every case of every kind."""
    return [case for kind in kinds.values() for case in kind.derive(catalog, intent)]
