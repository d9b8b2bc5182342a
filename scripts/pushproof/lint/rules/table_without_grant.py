"""No API role gets a grant on a new table: nothing is exposed by default, and the API answers 42501."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import WARNING, File, Project
from pushproof.lint.nodes import Name, dropped, made_table, name_of, roles, table_grant

LEVEL = WARNING
HINT = "grant what the API roles may do, or `revoke all … from anon, authenticated, service_role` where that is nothing"
API_ROLES = {"anon", "authenticated", "service_role", "public"}


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """A table of an exposed schema that no grant, revoke or default privilege is about. Partitions need none."""
    for one in file.statements:
        relation = made_table(one.node)
        if relation is None or project.auto_expose or getattr(one.node, "partbound", None):
            continue
        name = name_of(relation)
        if project.shows(name, one, until=_about) and not any(_by_default(s.node, name) for s in project.before(one)):
            yield one.line, f"no grant on {name} to anon, authenticated or service_role: the API answers 42501 to all"


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
    schemas = [word.sval for option in node.options or () if option.defname == "schemas" for word in option.arg]
    return bool(grant.is_grant) and (not schemas or name.schema in schemas)
