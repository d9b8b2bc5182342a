"""No API role has a grant on a new table: there is none by default, and the API answers 42501."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import WARNING, File, Project
from pushproof.lint.nodes import Name, dropped, made_table, name_of, roles, table_grant

LEVEL = WARNING
HINT = "grant what the API roles may do, or `revoke all … from anon, authenticated, service_role` where that is nothing"
API_ROLES = {"anon", "authenticated", "service_role", "public"}


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """Tables of an exposed schema without a grant, revoke or default privilege. Partitions need none."""
    for statement in file.statements:
        relation = made_table(statement.node)
        if relation is None or project.auto_expose or getattr(statement.node, "partbound", None):
            continue
        name = name_of(relation)
        if not project.shows(name, statement, until=_about):
            continue
        if not any(_by_default(earlier.node, name) for earlier in project.before(statement)):
            message = f"no grant on {name} to anon, authenticated or service_role: the API answers 42501 to all"
            yield statement.line, message


def _about(node: Any, name: Name) -> bool:
    grant = table_grant(node)
    if not grant or not roles(grant.grantees) & API_ROLES:
        return name in dropped(node)
    if grant.targtype.name == "ACL_TARGET_ALL_IN_SCHEMA":
        return name.schema in {schema.sval for schema in grant.objects}
    return name in {name_of(relation) for relation in grant.objects or ()}


def _by_default(node: Any, name: Name) -> bool:
    grant = table_grant(node)
    if not grant or grant.targtype.name != "ACL_TARGET_DEFAULTS" or not roles(grant.grantees) & API_ROLES:
        return False
    schemas = [schema.sval for option in node.options or () if option.defname == "schemas" for schema in option.arg]
    return bool(grant.is_grant) and (not schemas or name.schema in schemas)
