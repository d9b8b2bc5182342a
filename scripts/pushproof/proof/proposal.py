"""The text of a first access.toml from what is observed, with a comment on each line that needs a review."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence

from pushproof.proof.catalog import ROLE_OF, USERS, VIEWS, Catalog, Relation
from pushproof.proof.cells import Cell, ColumnCase
from pushproof.proof.intent import ACTORS, LOOK, SENSITIVE, VERBS, FunctionIntent, Intent, RelationIntent
from pushproof.proof.outcomes import ALLOWED, FAILED, NOTHING
from pushproof.proof.samples import is_membership

HEADER = """\
# Who may do what with this project's data. `pushproof rls` asks for all of it, as users who signed in.
#
# anon: nobody signed in · owner: signed in, the row is theirs · other: signed in, the row is the owner's ·
# service: the secret key. docs/access.md explains every key.
#
# Written from what was observed, which may be wrong: review each line, those with a `look` first.
"""
KINDS = (*VERBS, "columns", "insert_columns", "call")
USER = "authenticated"
OWNERS = ("user_id", "owner_id", "owner", "created_by", "author_id", "profile_id", "id")
ABOUT_USERS = re.compile(r"user|profile|account|member|wallet|subscription|customer|staff|employee", re.IGNORECASE)
ADDRESSED = re.compile(r"recipient|receiver|target|invit|assign|follow(ing|ed)|rival|friend|to_|_to|approve|review")


def toml(value: str | Sequence[str]) -> str:
    """The notation of a text or of a list of texts: JSON's, but for two rules of https://toml.io/en/v1.0.0#string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def guess(catalog: Catalog) -> Intent:
    """An intent with owners and parents by foreign keys, that allows everything: the answers show what is possible."""
    everybody = frozenset(("anon", "owner", "other", "service"))
    owned = {r.qualified: owner_of(r) for r in catalog.exposed}
    return Intent(
        {
            r.qualified: RelationIntent(
                allowed=dict.fromkeys(VERBS, everybody),
                owner=owned[r.qualified],
                columns=tuple(c.name for c in r.columns if c.open_to(USER, "update") and not c.generated),
                insert_columns=tuple(insertable) if _sensitive(r, owned[r.qualified], insertable) else (),
                parents=tuple(k.columns[0] for k in r.foreign_keys if owned.get(k.target)),
            )
            for r in catalog.exposed
            for insertable in ([c.name for c in r.columns if c.open_to(USER, "insert") and not c.generated],)
        },
        {name: FunctionIntent(everybody) for name in catalog.functions},
    )


def _sensitive(relation: Relation, owner: str, names: Iterable[str]) -> list[str]:
    """The sensitive columns among `names`; none if the relation is not about users, like the role of a message."""
    single = any(set(unique) <= {owner} for unique in relation.uniques)
    about = single or is_membership(relation) or ABOUT_USERS.search(relation.name)
    return [name for name in names if about and SENSITIVE.search(name)]


def owner_of(relation: Relation) -> str:
    """The owner column, judged by foreign key, default or name; empty if there is none."""
    candidates = [k.columns[0] for k in relation.foreign_keys if k.target == USERS and len(k.columns) == 1]
    candidates += [c.name for c in relation.columns if "auth.uid()" in (c.default or "")]
    named = [c.name for c in relation.columns if c.name in OWNERS[:5] and c.base_type == "uuid"]
    candidates = candidates or named
    return min(candidates, key=_rank, default="")


def _rank(column: str) -> int:
    """A sort key: usual names of owner columns first, names of recipients last."""
    return OWNERS.index(column) if column in OWNERS else len(OWNERS) + bool(ADDRESSED.search(column))


def proposal(catalog: Catalog, intent: Intent, cells: Sequence[Cell], names: Collection[str]) -> str:
    """The text of the entries of these relations and functions."""

    def of(kind: str, name: str) -> list[Cell]:
        return [c for c in cells if (c.case.kind, c.case.object) == (kind, name)]

    parts = []
    for relation in (r for r in catalog.exposed if r.qualified in names):
        entry = intent.relations[relation.qualified]
        lines = [f"[relations.{toml(relation.qualified)}]"]
        if entry.owner:
            lines.append(f"owner = {toml(entry.owner)}")
        elif relation.kind not in VIEWS:
            lines.append(f"{LOOK}no column says whose a row is; is it everybody's?")
        if parents := _parents(relation, entry, cells):
            lines.append(f"parents = {toml(parents)}")
        lines += [_line(verb, of(verb, relation.qualified), entry) for verb in VERBS]
        lines += _filtered([c for verb in VERBS for c in of(verb, relation.qualified)])
        lines += _columns(relation, entry, parents, cells=of("columns", relation.qualified))
        lines += _insert_columns(relation, entry, of("insert_columns", relation.qualified))
        lines += [*_keys(relation), *_truncate(relation)]
        parts.append("\n".join(lines))
    for name in (f for f in catalog.functions if f in names):
        cells_of = of("call", name)
        lines = [f"[functions.{toml(name)}]", _line("call", cells_of, None), *_filtered(cells_of)]
        parts.append("\n".join(lines))
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _filtered(cells: Sequence[Cell]) -> list[str]:
    """The line `filtered`, if visitors may ask and get nothing."""
    asks = any(c.actor == "anon" and c.observed == NOTHING for c in cells)
    return ['filtered = ["anon"] # a grant lets visitors ask, and they get nothing'] if asks else []


def _parents(relation: Relation, entry: RelationIntent, cells: Sequence[Cell]) -> list[str]:
    """The columns that refer to rows that the owner saw and others did not, or that nobody could see."""
    seen: dict[str, list[str]] = {}
    for cell in cells:
        if cell.case.kind == "select" and cell.observed == ALLOWED:
            seen.setdefault(cell.case.object, []).append(cell.actor)
    broken = {c.case.object for c in cells if c.case.kind == "select" and c.observed == FAILED}
    hidden = [
        key.columns[0]
        for key in relation.foreign_keys
        if (key.target in broken or "owner" in seen.get(key.target, ())) and "other" not in seen.get(key.target, ())
    ]
    unseen = [
        c for c in entry.parents if not any(k.columns[0] == c and k.target in seen for k in relation.foreign_keys)
    ]
    return list(dict.fromkeys((*unseen, *hidden)))


def _allowed_columns(cells: Iterable[Cell]) -> list[str]:
    return [c.case.column for c in cells if isinstance(c.case, ColumnCase) and c.observed == ALLOWED]


def _insert_columns(relation: Relation, entry: RelationIntent, cells: Sequence[Cell]) -> list[str]:
    settable = _allowed_columns(cells)
    if not (odd := _sensitive(relation, entry.owner, settable)):
        return []
    remark = f"a user can set {', '.join(odd)} of a row they add, which may say what they may do"
    return [f"insert_columns = {toml(settable)} {LOOK}{remark}"]


def _columns(relation: Relation, entry: RelationIntent, parents: Sequence[str], cells: Sequence[Cell]) -> list[str]:
    settable = _allowed_columns(cells)
    remarks = {
        "which says whose the row is": [c for c in settable if c in (entry.owner, *parents)],
        "which may say what they may do": _sensitive(relation, entry.owner, settable),
    }
    odd = "; ".join(f"a user can change {', '.join(names)}, {why}" for why, names in remarks.items() if names)
    return [f"columns = {toml(settable)}{f' {LOOK}{odd}' if odd else ''}"] if settable else []


def _keys(relation: Relation) -> list[str]:
    """The line `keys`, if users may choose a uuid, as in older projects: nobody guesses a used one."""
    uuids = [n for n in relation.key if relation.by_name[n].base_type == "uuid"]
    insertable = [n for n in uuids if relation.by_name[n].open_to(USER, "insert")]
    own = {c for k in relation.foreign_keys for c in k.columns}
    chosen = [n for n in insertable if n not in own]
    return [f"keys = {toml(chosen)} # users may choose it; nobody guesses a uuid"] if chosen else []


def _truncate(relation: Relation) -> list[str]:
    """The line `truncate`, if the roles of the API hold the privilege, as in older projects."""
    able = [actor for actor in ("anon", "owner") if relation.open_to(ROLE_OF.get(actor, USER), "truncate")]
    return [f"truncate = {toml(able)} # a grant, which no request of the API can use"] if able else []


def _line(verb: str, cells: Sequence[Cell], entry: RelationIntent | None) -> str:
    """`verb = [actors]`, with remarks on what is unusual."""
    able = [actor for actor in ACTORS if any(c.actor == actor and c.observed == ALLOWED for c in cells)]
    remarks = []
    if "anon" in able and (entry or cells[0].case.about or cells[0].case.alone):
        remarks.append("anybody can, without signing in")
    if "other" in able and entry is None and cells[0].case.about:
        remarks.append("others get something with the owner's ids")
    elif "other" in able and entry and (entry.owner or entry.parents):
        remarks.append("any signed-in user can, with somebody else's row")
    elif "other" in able and entry:
        remarks.append("any signed-in user can; nothing says whose a row is")
    if not able and verb in ("select", "call"):
        remarks.append("nobody got anything; does a table need a `sample`?")
    if failed := next((c for c in cells if c.observed == FAILED), None):
        remarks.append(f"could not be asked as {failed.actor}: {failed.reason}")
    remark = f" {LOOK}{'; '.join(remarks)}" if remarks else ""
    return f"{verb} = {toml(able)}{remark}"
