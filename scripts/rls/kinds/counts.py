"""Planner counts: `count=planned` and `count=estimated` answer from everyone's statistics.

They must not tell a user of many more rows than the user sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scripts.rls.catalog import Catalog
from scripts.rls.cells import ALLOWED, DENIED, FAILED, NOTHING, REFUSED, Asked, Case, Cell, Probe
from scripts.rls.intent import Intent

SLACK = 100  # rows: the planner's guess for a table without statistics
COUNTS = ("planned", "estimated")


def derive(catalog: Catalog, intent: Intent) -> Iterable[Case]:
    """Every relation that others may not read, with both kinds of count."""
    for relation in catalog.exposed:
        allowed = intent.relations[relation.qualified].allowed["select"]
        if "other" not in allowed and allowed:
            for count in COUNTS:
                yield Case("counts", relation.qualified, "select", {"other": DENIED}, count)


def ask(probe: Probe, case: Case) -> Iterator[Cell]:
    """Another user's count against the rows that they see."""
    relation = probe.relation(case)
    probe.rows.analyze(relation)
    total = {}
    for count in ("exact", case.detail):
        request = probe.request(relation, "GET", params={"select": "*", "limit": "1"}, prefer=f"count={count}")
        answer = probe.ask("other", request)
        total[count] = answer.range.rpartition("/")[2]
    asked = Asked(case)
    told, seen = total[case.detail], total["exact"]
    if answer.refused:
        observed, note = REFUSED, ""
    elif not (told.isdecimal() and seen.isdecimal()):
        observed, note = FAILED, ""
    else:
        observed = ALLOWED if int(told) > int(seen) + SLACK else NOTHING
        note = f"other sees {seen} rows of {case.object}, and is told of about {told}" if observed == ALLOWED else ""
    asked.add("other", observed, request, answer, note=note)
    yield from asked.settled(lambda: observed == REFUSED or seen.isdecimal())
