"""A function that uses the caller's temporary table in place of the project's, with the rights of its owner."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from psycopg import sql

from pushproof.base.queries import query
from pushproof.proof.differential import become
from pushproof.proof.findings import REFUTED, UNPROVED, Context, LinterReport, Verdict
from pushproof.proof.names import Name, name_of

RULES = frozenset(("SEC015", "function_search_path_mutable"))


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """Call it by SQL with temporary tables of the same names; see which of them it used, and roll back."""
    import psycopg

    connection, catalog = context.probe.rows.records.connection, context.probe.catalog
    parameters = {"name": name, "plain": name.partition("(")[0]}
    row = connection.execute(query("proof/claims/routine"), parameters).fetchone()
    if row is None:
        return Verdict(UNPROVED, f"{name} is no function of the exposed schemas")
    routine, source, definer, is_trigger, types = row
    if not definer:
        return Verdict(REFUTED, "it runs as its caller, who gains nothing by misleading it")
    unqualified = [r for r in catalog.relations.values() if _unqualified(r.name, source)]
    if not unqualified:
        return Verdict(REFUTED, "its body names every relation with its schema")
    if is_trigger:
        return Verdict(UNPROVED, "a trigger function that names a relation without its schema is not called directly")
    labels = catalog.functions[name].labels if name in catalog.functions else ((),) * len(types)
    arguments = [context.probe.rows.values.argument(type_, names) for type_, names in zip(types, labels, strict=True)]
    call = f"select {routine}({', '.join(f'%s::{t}' for t in types)})"
    with connection.transaction(force_rollback=True):
        for relation in unqualified:
            create = sql.SQL("create temporary table {} (like {})").format(Name(relation.name), name_of(relation))
            connection.execute(create, [])
        become(connection, context.probe.actors["owner"])
        try:
            with connection.transaction():
                connection.execute(call.encode(), [_parameter(value) for value in arguments])
        except psycopg.Error:  # it may fail after it has used a temporary table
            pass
        connection.execute("reset role")
        touched = [table for (table,) in connection.execute(query("proof/claims/shadowed")).fetchall()]
    if touched:
        sentence = f"With their own SQL, not over REST, a user can make {name} use their table with its owner's rights"
        return Verdict.confirmed(sentence, call, f"it used pg_temp.{', pg_temp.'.join(touched)}", severe=False)
    return Verdict(REFUTED, "called with temporary tables of the same names, it did not use them", call)


def _parameter(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _unqualified(name: str, source: str) -> bool:
    return bool(re.search(rf"(?<![\w.\"]){re.escape(name)}(?![\w(])", source))
