"""The settings of roles and databases, which migrations may change and which outlive the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pushproof.base.queries import query
from pushproof.stack.embedded import Stack
from pushproof.stack.services.postgres import PROVISION
from pushproof.target.database import connect

if TYPE_CHECKING:
    import psycopg


def settings_of(admin: psycopg.Connection[Any]) -> str:
    """All of them as one text."""
    row = admin.execute(query("stack/role_settings")).fetchone()
    return str(row[0]) if row else ""


def restore(stack: Stack) -> None:
    """Make them those of a new stack. Services whose connections have others are restarted."""
    with connect(stack.admin()) as admin:
        former = settings_of(admin)
        admin.execute(query("stack/reset_role_settings"))
        admin.execute((PROVISION / "11_settings.sql").read_bytes())
        changed = settings_of(admin) != former
    if changed:
        stack.stop(("postgrest", "origin"))
        stack.start()
