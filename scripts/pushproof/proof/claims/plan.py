"""A slow policy: the plan shows whether it looks up the caller for each row, or whether no index serves it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pushproof.base.queries import query
from pushproof.proof.differential import become
from pushproof.proof.findings import REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.names import regclass

PER_ROW = frozenset(("auth_rls_initplan", "PERF001"))
RULES = PER_ROW | {"PERF003", "PERF004", "policy_or"}
CALLS = re.compile(r"auth\.\w+\(\)|current_setting\(")
CONDITIONS = ("Filter", "Index Cond", "Recheck Cond", "Join Filter", "One-Time Filter")


def judge(context: Context, name: str, reports: Sequence[LinterReport]) -> Verdict:
    """Read the plan of a user's query for all rows, with sequential scans only if nothing else is possible."""
    import psycopg

    relation = context.probe.catalog.relations.get(name)
    if relation is None:
        return Verdict(UNPROVED, f"{name} is not a relation, so it has no plan", severe=False)
    statement = f"explain (format json) select * from {regclass(relation)}"  # noqa: S608 - a quoted name
    connection = context.probe.rows.records.connection
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("set local enable_seqscan = off")
            become(connection, context.probe.actors["owner"])
            answer = connection.execute(statement.encode()).fetchone()
    except psycopg.Error as problem:
        return Verdict(UNPROVED, f"EXPLAIN failed: {problem.diag.message_primary}", statement, severe=False)
    nodes = list(_nodes(answer[0][0]["Plan"])) if answer else []
    scans = [n for n in nodes if n.get("Relation Name") == relation.name]
    shown = "; ".join(f"{n['Node Type']} {_conditions(n)}".strip() for n in scans)[:300]
    if any(r.rule in PER_ROW for r in reports) and any(CALLS.search(_conditions(n)) for n in nodes):
        sentence = f"Slow, no leak: a read of {name} looks up the caller for each row; write (select auth.uid())"
        return Verdict.confirmed(sentence, statement, shown, severe=False)
    indexes = connection.execute(query("proof/claims/leading_columns"), {"schema": relation.schema})
    leading = dict(indexes.fetchall())
    filtered = any(_conditions(n) for n in nodes)
    if any(r.rule not in PER_ROW for r in reports) and filtered and not _served(nodes, leading):
        sentence = f"Slow, no leak: no index serves the policies of {name}, so each user's read scans the whole table"
        return Verdict.confirmed(sentence, statement, shown, severe=False)
    return Verdict(
        verdict=REFUTED,
        sentence="the plan uses an index and looks up the caller once",
        request=statement,
        answer=shown,
        severe=False,
    )


def _served(nodes: Sequence[dict[str, Any]], leading: Mapping[str, str]) -> bool:
    """Whether a condition uses the first column of an index: with only a later one, the whole index is read."""
    scans = [n for n in nodes if "Index Cond" in n]
    return any(leading.get(n["Index Name"], "") in n["Index Cond"] for n in scans)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _conditions(node: dict[str, Any]) -> str:
    return " ".join(str(node[c]) for c in CONDITIONS if c in node)
