"""Row level security cannot apply to a materialized view: a role with a grant reads every row."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.lint.nodes import dropped, name_of

LEVEL = ERROR
HINT = "make it in a schema that the API does not show, and read it through a function that filters"


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """Materialized views that are created in an exposed schema and not dropped later."""
    for statement in file.kinds("CreateTableAsStmt"):
        name = name_of(statement.node.into.rel)
        materialized = statement.node.objtype.name == "OBJECT_MATVIEW"
        if materialized and project.shows(name, statement, until=lambda node, name: name in dropped(node)):
            yield statement.line, f"row level security cannot apply to the materialized view {name}"
