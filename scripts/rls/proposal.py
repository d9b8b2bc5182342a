"""A first access.toml from what is observed, with a comment on each line that deserves a second look."""

from __future__ import annotations

import json
from collections.abc import Sequence

from scripts.rls.catalog import USERS, VIEWS, Catalog, Relation
from scripts.rls.cells import ALLOWED, FAILED, NOTHING, Cell
from scripts.rls.intent import ACTORS, VERBS, FunctionIntent, Intent, RelationIntent

HEADER = """\
# Who may do what with this project's data. `invoke rls` asks for all of it, as users who signed in.
#
# anon: nobody signed in · owner: signed in, the row is theirs · other: signed in, the row is the owner's ·
# service: the secret key. docs/access.md explains every key.
#
# Written from what was observed, which may be wrong: review each line, those with a `look` first.
"""
KINDS = (*VERBS, "columns", "call")
OWNERS = ("user_id", "owner_id", "owner", "created_by", "author_id", "profile_id", "id")


def guess(catalog: Catalog) -> Intent:
    """Owners and parents by their foreign keys, and everybody allowed everything: the answers tell what is so."""
    everybody = frozenset(("anon", "owner", "other", "service"))
    owned = {r.qualified: owner_of(r) for r in catalog.exposed}
    return Intent(
        {
            r.qualified: RelationIntent(
                dict.fromkeys(VERBS, everybody),
                owned[r.qualified],
                tuple(c.name for c in r.columns if c.open_to("authenticated", "update") and not c.written),
                parents=tuple(k.columns[0] for k in r.foreign_keys if owned.get(k.target)),
            )
            for r in catalog.exposed
        },
        {name: FunctionIntent(everybody) for name in catalog.functions},
    )


def owner_of(relation: Relation) -> str:
    """The column that refers to the user, or by its default or name says whose a row is; empty without one."""
    candidates = [k.columns[0] for k in relation.foreign_keys if k.target == USERS and len(k.columns) == 1]
    candidates += [c.name for c in relation.columns if "auth.uid()" in (c.default or "")]
    named = [c.name for c in relation.columns if c.name in OWNERS[:5] and c.base_type == "uuid"]
    candidates = candidates or named
    return min(candidates, key=lambda c: OWNERS.index(c) if c in OWNERS else len(OWNERS), default="")


def proposal(catalog: Catalog, intent: Intent, cells: Sequence[Cell]) -> str:
    """The file's text."""

    def of(kind: str, name: str) -> list[Cell]:
        return [c for c in cells if (c.case.kind, c.case.object) == (kind, name)]

    parts = [HEADER]
    for relation in catalog.exposed:
        entry = intent.relations[relation.qualified]
        lines = [f"[relations.{json.dumps(relation.qualified)}]"]
        if entry.owner:
            lines.append(f"owner = {json.dumps(entry.owner)}")
        elif relation.kind not in VIEWS:
            lines.append("# look: no column says whose a row is; is it everybody's?")
        if entry.parents:
            lines.append(f"parents = {json.dumps(list(entry.parents))}")
        lines += [_line(verb, of(verb, relation.qualified), entry, is_view=relation.is_view) for verb in VERBS]
        lines += _filtered([c for verb in VERBS for c in of(verb, relation.qualified)])
        lines += _columns(relation, entry, of("columns", relation.qualified))
        parts.append("\n".join(lines))
    for name in catalog.functions:
        cells_of = of("call", name)
        lines = [f"[functions.{json.dumps(name)}]", _line("call", cells_of, None), *_filtered(cells_of)]
        parts.append("\n".join(lines))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _filtered(cells: Sequence[Cell]) -> list[str]:
    """Whether visitors may ask, and get nothing."""
    asks = any(c.actor == "anon" and c.observed == NOTHING for c in cells)
    return ['filtered = ["anon"] # a grant lets visitors ask, and they get nothing'] if asks else []


def _columns(relation: Relation, entry: RelationIntent, cells: Sequence[Cell]) -> list[str]:
    settable = [c.case.detail for c in cells if c.observed == ALLOWED]
    odd = [c for c in settable if c in (entry.owner, *entry.parents, *relation.key)]
    remark = f" # look: a user can change {', '.join(odd)}, which says whose the row is" if odd else ""
    return [f"columns = {json.dumps(settable)}{remark}"] if settable else []


def _line(verb: str, cells: Sequence[Cell], entry: RelationIntent | None, *, is_view: bool = False) -> str:
    """`verb = [actors]`, with what is odd about them."""
    able = [actor for actor in ACTORS if any(c.actor == actor and c.observed == ALLOWED for c in cells)]
    remarks = []
    if "anon" in able:
        remarks.append("anybody can, without signing in")
    if "other" in able and entry is None:
        remarks.append("others get something with the owner's ids")
    elif "other" in able and entry and (entry.owner or entry.parents):
        remarks.append("any signed-in user can, with somebody else's row")
    elif "other" in able and entry and (verb != "select" or is_view):
        remarks.append("any signed-in user can; nothing says whose a row is")
    if not able and verb in ("select", "call"):
        remarks.append("nobody got anything; does a table need a `sample`?")
    if failed := next((c for c in cells if c.observed == FAILED), None):
        remarks.append(f"could not be asked as {failed.actor}: {failed.reason}")
    remark = f" # look: {'; '.join(remarks)}" if remarks else ""
    return f"{verb} = {json.dumps(able)}{remark}"
