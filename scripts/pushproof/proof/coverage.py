"""Coverage of policies: a policy is covered if one cell saw it allow and another saw it deny."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pushproof.proof.catalog import ROLE_OF, Catalog, Policy
from pushproof.proof.cells import Cell
from pushproof.proof.outcomes import ALLOWED, NOTHING, REFUSED


@dataclass(frozen=True)
class Coverage:
    """A policy with the names of a cell that saw it allow and of one that saw it deny; empty if none did."""

    policy: Policy
    allowing: str
    denying: str

    @property
    def covered(self) -> bool:
        """Whether it was seen both to allow and to deny."""
        return bool(self.allowing and self.denying)


def coverage(catalog: Catalog, cells: Iterable[Cell]) -> list[Coverage]:
    """The coverage of each policy of the exposed schemas by the cells of its relation, command and roles.

    A refusal counts only if the role holds the privilege: otherwise the missing grant refused, not the policy.
    """
    proved = [c for c in cells if c.ok and c.case.object in catalog.relations]
    return [
        Coverage(
            policy,
            next((c.name for c in proved if _concerns(policy, c) and c.observed == ALLOWED), ""),
            next((c.name for c in proved if _concerns(policy, c) and _denied_by_policy(catalog, policy, c)), ""),
        )
        for policy in catalog.policies
    ]


def _concerns(policy: Policy, cell: Cell) -> bool:
    role = ROLE_OF.get(cell.actor, "authenticated")
    return (
        cell.case.object == policy.relation
        and policy.command in ("all", cell.case.verb)
        and role != "service_role"
        and (role in policy.roles or "public" in policy.roles)
    )


def _denied_by_policy(catalog: Catalog, policy: Policy, cell: Cell) -> bool:
    role = ROLE_OF.get(cell.actor, "authenticated")
    granted = catalog.relations[policy.relation].open_to(role, cell.case.verb)
    return granted and cell.case.kind != "columns" and cell.observed in (NOTHING, REFUSED)
