"""Planner counts: `count=planned` and `count=estimated` answer from everyone's statistics.

They must not tell a user of many more rows than the user sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pushproof.proof.asking import Answer, Request
from pushproof.proof.catalog import Catalog, Relation
from pushproof.proof.cells import Asked, Case, Cell, Probe
from pushproof.proof.intent import Intent
from pushproof.proof.outcomes import ALLOWED, DENIED, FAILED, NOTHING, REFUSED

SLACK = 100  # rows: the planner's guess for a table without statistics
COUNTS = ("planned", "estimated")


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """Every relation that others may not read, with both kinds of count."""
    for relation in catalog.exposed:
        allowed = intent.relations[relation.qualified].allowed["select"]
        if "other" not in allowed and allowed:
            for count in COUNTS:
                yield Case(
                    kind="counts", object=relation.qualified, verb="select", expected={"other": DENIED}, detail=count
                )


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Another user's count against the rows that they see."""
    relation = probe.relation(case)
    request, answer, told, seen = _told(probe, relation, case.detail)
    if told > seen + SLACK:  # of a table without statistics the planner guesses, and tells nothing
        probe.rows.records.analyze(relation)
        request, answer, told, seen = _told(probe, relation, case.detail)
    asked = Asked(case)
    if answer.refused:
        observed, note = REFUSED, ""
    elif min(told, seen) < 0:
        observed, note = FAILED, ""
    else:
        observed = ALLOWED if told > seen + SLACK else NOTHING
        note = f"other sees {seen} rows of {case.object}, and is told of about {told}" if observed == ALLOWED else ""
    asked.add("other", observed, request, answer=answer, note=note)
    yield from asked.settled(lambda: observed == REFUSED or seen >= 0)


def _told(probe: Probe, relation: Relation, count: str) -> tuple[Request, Answer, int, int]:
    """The request with this kind of count, its answer, the rows that it tells of and those seen; -1 for no number."""
    numbers = []
    for kind in ("exact", count):
        request = probe.request(relation, "GET", params={"select": "*", "limit": "1"}, prefer=f"count={kind}")
        answer = probe.ask("other", request)
        total = answer.range.rpartition("/")[2]
        numbers.append(int(total) if total.isdecimal() else -1)
    return request, answer, numbers[1], numbers[0]
