"""Row level security does not bind table owners and roles with BYPASSRLS: whether requests run as one of them."""

from __future__ import annotations

from collections.abc import Sequence

from pushproof.base.queries import query
from pushproof.proof.findings import REFUTED, Context, LinterReport, Verdict

RULES = frozenset(("SEC002", "SEC016", "SEC023", "SEC029", "SEC048"))


def judge(context: Context, name: str, _reports: Sequence[LinterReport]) -> Verdict:
    """Read from the catalog for anon and authenticated; service_role is the control."""
    relation = context.probe.catalog.relations.get(name)
    oid = f"{relation.schema}.{relation.name}" if relation else None
    roles = context.probe.rows.records.connection.execute(query("proof/claims/bypass"), {"relation": oid}).fetchall()
    unbound = [role for role, bypasses in roles if bypasses and role != "service_role"]
    if unbound:
        return Verdict.confirmed(f"{', '.join(unbound)} may bypass every policy", "the catalog", str(roles))
    return Verdict(
        REFUTED,
        "requests run as anon or authenticated, which neither own it nor bypass row level security",
        control="service_role does: it is the role of the secret key",
    )
