"""A user's row below another user's parent, also if access.toml names no `parents`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pushproof.proof.cells import Cell, ColumnCase
from pushproof.proof.findings import CONFIRMED, DECLARED, REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.kinds import parents
from pushproof.proof.outcomes import ALLOWED, DENIED
from pushproof.proof.scope import is_alone

RULES = frozenset(("parent_unchecked", "SEC047"))
COLUMN = re.compile(r"column (\S+) refers")


def judge(context: Context, name: str, reports: Sequence[LinterReport]) -> Verdict:
    """Ask the same cells as for declared parents; if others may read the parent, the rows may be meant for them."""
    relation = context.probe.catalog.relations.get(name)
    entry = context.probe.intent.relations.get(name)
    if relation is None or entry is None or "owner" not in entry.allowed["insert"]:
        return Verdict(REFUTED, f"access.toml lets no user insert into {name}")
    named = [m[1] for r in reports if (m := COLUMN.search(r.words))]
    columns = named or [k.columns[0] for k in relation.foreign_keys if k.target in context.probe.catalog.relations]
    shown = []
    for column in columns:
        known = [c for c in context.on(name) if c.case.kind == "parents" and c.case.detail == column]
        case = ColumnCase(
            kind="parents",
            object=name,
            verb="insert",
            expected={"other": DENIED},
            column=column,
            alone=is_alone(relation, entry),
        )
        shown += [(column, c) for c in known or parents.ask(context.probe, case)]
    return _verdict(context, name, shown)


def _verdict(context: Context, name: str, shown: Sequence[tuple[str, Cell]]) -> Verdict:
    for column, cell in shown:
        request = cell.curl
        if cell.observed == ALLOWED:
            shared = _is_shared(context, name, column)
            verdict = DECLARED if shared else CONFIRMED
            sentence = f"Any signed-in user can put rows of {name} below another user's {column}, or learn which exist"
            if shared:
                sentence = f"{column} refers to rows that others may read; name it in `parents` to forbid it"
            return Verdict(
                verdict=verdict, sentence=sentence, request=request, answer=cell.answer, control=cell.control
            )
        if not cell.control:
            return Verdict(verdict=UNPROVED, sentence=cell.reason, request=request, answer=cell.answer)
    if not shown:
        return Verdict(REFUTED, f"{name} refers to no exposed relation")
    _, cell = shown[0]
    request = cell.curl
    return Verdict(
        verdict=REFUTED,
        sentence="a row below another user's parent is refused",
        request=request,
        answer=cell.answer,
        control=cell.control,
    )


def _is_shared(context: Context, name: str, column: str) -> bool:
    """Whether others may read the parent: then they may be meant to add rows to it."""
    keys = context.probe.catalog.relations[name].foreign_keys
    parent = next((k.target for k in keys if column in k.columns), "")
    entry = context.probe.intent.relations.get(parent)
    return bool(entry and ("other" in entry.allowed["select"] or not entry.owner))
