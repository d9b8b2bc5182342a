"""Planner counts: `count=planned` and `count=estimated` come from statistics about all rows.

They must not report many more rows than the user sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pushproof.proof.asking import Answer, Request
from pushproof.proof.catalog import Catalog, Relation
from pushproof.proof.cells import Asked, Case, Cell, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, FAILED, NOTHING, REFUSED

SLACK = 100  # rows: the planner's guess for a table without statistics
Count = Literal["planned", "estimated"]
COUNTS: tuple[Count, ...] = ("planned", "estimated")


@dataclass(frozen=True, kw_only=True)
class CountCase(Case):
    """A case about one kind of count."""

    count: Count

    @property
    def detail(self) -> str:
        """The way of counting."""
        return self.count


def derive(catalog: Catalog, intent: Intent) -> Iterable[CountCase]:
    """Each relation that others may not read, with both kinds of count."""
    for relation in catalog.exposed:
        allowed = intent.relations[relation.qualified].allowed["select"]
        if "other" not in allowed and allowed:
            for count in COUNTS:
                yield CountCase(
                    kind="counts", object=relation.qualified, verb="select", expected={"other": DENIED}, count=count
                )


def ask(probe: Probe, case: CountCase) -> Iterator[Cell]:
    """Compare the count that another user gets with the number of rows that they see."""
    relation = probe.relation(case)
    request, answer, reported, seen = _counts(probe, relation, case.count)
    if reported > seen + SLACK:  # without statistics the planner guesses, which reveals nothing
        probe.rows.records.analyze(relation)
        request, answer, reported, seen = _counts(probe, relation, case.count)
    asked = Asked(case)
    if answer.refused:
        observed, note = REFUSED, ""
    elif min(reported, seen) < 0:
        observed, note = FAILED, ""
    else:
        observed = ALLOWED if reported > seen + SLACK else NOTHING
        note = f"other sees {seen} rows of {case.object}, but the count is {reported}" if observed == ALLOWED else ""
    asked.add("other", observed, request, answer=answer, note=note)
    yield from asked.with_controls(lambda: observed == REFUSED or seen >= 0)


def _counts(probe: Probe, relation: Relation, count: Count) -> tuple[Request, Answer, int, int]:
    """The request with this kind of count, its answer, the number of rows it reports and of rows seen; -1 for none."""
    numbers = []
    for kind in ("exact", count):
        request = probe.request(relation, "GET", params={"select": "*", "limit": "1"}, prefer=f"count={kind}")
        answer = probe.ask("other", request)
        total = answer.range.rpartition("/")[2]
        numbers.append(int(total) if total.isdecimal() else -1)
    return request, answer, numbers[1], numbers[0]
