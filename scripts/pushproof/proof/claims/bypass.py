"""Row level security does not bind owners and roles with BYPASSRLS: whether a request can come as one of them."""

from __future__ import annotations

from collections.abc import Sequence

from pushproof.base.queries import query
from pushproof.proof.findings import CONFIRMED, REFUTED, Context, LinterReport, Verdict

RULES = frozenset(("SEC002", "SEC016", "SEC023", "SEC029", "SEC048"))


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """Asked of the catalog, once for both roles of visitors and users; service_role is the control."""
    relation = context.probe.catalog.relations.get(name)
    oid = f"{relation.schema}.{relation.name}" if relation else None
    found = context.probe.rows.records.connection.execute(query("proof/claims/bypass"), {"relation": oid}).fetchall()
    unbound = [role for role, free in found if free and role != "service_role"]
    if unbound:
        return Verdict(
            verdict=CONFIRMED,
            sentence=f"{', '.join(unbound)} may pass every policy",
            request="the catalog",
            answer=str(found),
        )
    return Verdict(
        REFUTED,
        "a request comes as anon or authenticated, which neither own it nor bypass row level security",
        control="service_role does: it is the secret key's",
    )
