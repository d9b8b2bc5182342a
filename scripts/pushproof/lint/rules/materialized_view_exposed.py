"""Row level security cannot apply to a materialized view: who has a grant has every row."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.lint.nodes import dropped, name_of

LEVEL = ERROR
HINT = "make it in a schema that the API does not show, and read it through a function that filters"


def check(file: File, project: Project) -> Iterator[tuple[int, str]]:
    """Every one that is made in an exposed schema and stays."""
    for one in file.kinds("CreateTableAsStmt"):
        name = name_of(one.node.into.rel)
        materialized = one.node.objtype.name == "OBJECT_MATVIEW"
        if materialized and project.shows(name, one, until=lambda node, name: name in dropped(node)):
            yield one.line, f"row level security cannot apply to the materialized view {name}"
