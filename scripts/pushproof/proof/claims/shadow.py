"""A function that finds the caller's temporary table where it means the project's, and works on it as its owner."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from psycopg import sql

from pushproof.base.queries import query
from pushproof.proof.differential import become
from pushproof.proof.findings import CONFIRMED, REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.names import Name, name_of

RULES = frozenset(("SEC015", "function_search_path_mutable"))


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """Called by SQL beside temporary tables of the same names; what it touched is counted, and undone."""
    import psycopg

    rows, catalog = context.probe.rows.records.connection, context.probe.catalog
    found = rows.execute(query("proof/claims/routine"), {"name": name, "plain": name.partition("(")[0]}).fetchone()
    if found is None:
        return Verdict(UNPROVED, f"{name} is no function of the exposed schemas")
    routine, source, definer, is_trigger, types = found
    if not definer:
        return Verdict(REFUTED, "it runs as its caller, who gains nothing by misleading it")
    meant = [r for r in catalog.relations.values() if _unqualified(r.name, source)]
    if not meant:
        return Verdict(REFUTED, "its body names no relation without its schema")
    if is_trigger:
        return Verdict(UNPROVED, "a trigger function that names a relation without its schema is not called directly")
    labels = catalog.functions[name].labels if name in catalog.functions else ((),) * len(types)
    arguments = [context.probe.rows.values.argument(*one) for one in zip(types, labels, strict=True)]
    call = f"select {routine}({', '.join(f'%s::{t}' for t in types)})"
    with rows.transaction(force_rollback=True):
        for relation in meant:
            create = sql.SQL("create temporary table {} (like {})").format(Name(relation.name), name_of(relation))
            rows.execute(create, [])
        become(rows, context.probe.actors["owner"])
        try:
            with rows.transaction():
                rows.execute(call.encode(), [_sent(value) for value in arguments])
        except psycopg.Error:  # it may fail on the way, once it has been misled
            pass
        rows.execute("reset role")
        touched = [row[0] for row in rows.execute(query("proof/claims/shadowed")).fetchall()]
    if touched:
        words = f"With SQL of their own, not over REST, a user makes {name} work on a table of theirs as its owner"
        return Verdict(
            verdict=CONFIRMED,
            sentence=words,
            request=call,
            answer=f"it used pg_temp.{', pg_temp.'.join(touched)}",
            severe=False,
        )
    return Verdict(REFUTED, "called beside temporary tables of those names, it did not use them", call)


def _sent(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _unqualified(name: str, source: str) -> bool:
    return bool(re.search(rf"(?<![\w.\"]){re.escape(name)}(?![\w(])", source))
