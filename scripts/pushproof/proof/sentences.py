"""Describes in one sentence what an attacker can do, from the cells that show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pushproof.proof.cells import Cell
from pushproof.proof.kinds.embedding import EmbeddingCase
from pushproof.proof.outcomes import ALLOWED

WHO = {"anon": "Anybody, without signing in,", "other": "Any signed-in user", "owner": "A user"}
MATRIX = {"select": "read", "update": "change", "delete": "delete"}
SPECIAL = {
    "insert": "add rows to {object} in another user's name",
    "call": "call {object} {about}",
    "columns": "set {detail} of their own rows in {object}, which access.toml does not allow",
    "insert_columns": "set {detail} of the rows they add to {object}, which access.toml does not allow",
    "parents": "put rows of {object} below another user's {detail}, or learn which exist",
    "keys": "learn which keys of {object} are taken",
    "counts": "learn how many rows others have in {object}",
    "upsert": "overwrite another user's row in {object} by an upsert",
    "hidden": "{verb} every row of {object} by a request without a filter",
    "embedding": "read another user's {detail} through {object}",
    "returning": "{verb} another user's row in {object} and get it back",
}
IMPLIED = ("upsert", "hidden", "returning", "embedding", "counts")  # by select, update and delete


def is_attack(cell: Cell) -> bool:
    """Whether an actor got what the intent does not allow; not for service, which may get everything."""
    return cell.actor != "service" and cell.observed == ALLOWED and cell.expected != ALLOWED and not cell.ok


def attack(cells: Iterable[Cell]) -> str:
    """A sentence that says who can do what to one object, in the order of actors."""
    wrong = [c for c in cells if is_attack(c)]
    parts: dict[str, str] = {}
    for actor in dict.fromkeys(c.actor for c in wrong):
        actions = _joined(_actions([c for c in wrong if c.actor == actor]))
        if not (actor == "owner" and actions in parts.values()):  # the owner can do what any user can
            parts[actor] = actions
    return "; ".join(f"{WHO.get(actor, f'A signed-in {actor}')} can {actions}" for actor, actions in parts.items())


def _actions(cells: Sequence[Cell]) -> list[str]:
    """What one actor can do, without what the rest implies."""
    name, whose = cells[0].case.object, "their own" if cells[0].actor == "owner" else "other users'"
    able = [verb for kind, verb in MATRIX.items() if any(c.case.kind == kind for c in cells)]
    held = [c.case.verb for c in cells if c.case.kind == "grants"]
    actions = [f"{_joined(able)} {whose} rows in {name}"] if able else []
    special = [c for c in cells if c.case.kind in SPECIAL and not (able and c.case.kind in IMPLIED)]
    actions += dict.fromkeys(map(_action, special))
    if held and not actions:
        actions.append(f"use the privilege to {_joined(held)} {name}, whatever its policies say")
    return actions


def _action(cell: Cell) -> str:
    case = cell.case
    detail = case.inner if isinstance(case, EmbeddingCase) else case.detail
    if case.kind == "hidden" and cell.actor == "owner":
        return f"give rows of {case.object} to others: set {detail}"
    return SPECIAL[case.kind].format(object=case.object, detail=detail, verb=case.verb, about=case.about).rstrip()


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
