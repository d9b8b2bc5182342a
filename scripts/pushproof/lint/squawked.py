"""What squawk says, where it holds for this push."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pushproof.lint.files import File, Problem, Project, last_line
from pushproof.lint.nodes import Name, commands, dropped, made_table, name_of
from pushproof.lint.rules import syntax
from pushproof.migrations.statements import Statement
from pushproof.tools import squawk

PREFIX = "squawk/"
KEYS_ONLY = ("prefer-bigint-over-int", "prefer-bigint-over-smallint")  # a count may be small; a key runs out
KEYS = ("CONSTR_PRIMARY", "CONSTR_FOREIGN", "CONSTR_IDENTITY")
# Beside one of these on its line it says nothing more.
SAID_BETTER = {
    "constraint-missing-not-valid": {
        "adding-foreign-key-constraint",
        "adding-serial-primary-key-field",
        "disallowed-unique-constraint",
    }
}


def squawked(project: Project) -> Iterator[Problem]:
    """Its reports, less what is moot here or said better. Raises PartsError."""
    reports = squawk.lint([file.path for file in project.linted])
    for file in project.linted:
        mine = [one for one in reports if one.file == file.path]
        said = {(one.line, one.rule) for one in mine}
        for one in mine:
            better = {(one.line, rule) for rule in SAID_BETTER.get(one.rule, ())}
            if not better & said and _holds(one, file, project):
                yield Problem(
                    file=file.path,
                    line=one.line,
                    rule=PREFIX + one.rule,
                    level=one.level,
                    message=one.message,
                    hint=one.hint,
                )


def _holds(report: squawk.Violation, file: File, project: Project) -> bool:
    if report.rule == squawk.SYNTAX:  # of a file that does not parse `syntax` speaks
        return not any(syntax.check(file, project))
    here = [one for one in file.statements if one.line <= report.line <= last_line(one)]
    if report.rule in KEYS_ONLY:
        return any(report.line in _key_lines(one) for one in here)
    if report.rule in squawk.OF_WHAT_IS_THERE:
        changes = [one for one in here if not made_table(one.node)]
        return not changes or not all(_on_new_tables(one, file, project) for one in changes)
    return True


def _on_new_tables(one: Statement, file: File, project: Project) -> bool:
    """Whether it is all about tables that are made before it in the same push: nobody has a row in them, or waits."""
    node = one.node
    relation = getattr(node, "relation", None)
    names = {name_of(relation)} if relation else dropped(node)
    files = project.linted if project.together else (file,)
    pushed = {id(statement) for each in files for statement in each.statements}
    return bool(names) and names <= {
        name for former in project.before(one) if id(former) in pushed and (name := _new(former.node))
    }


def _new(node: Any) -> Name | None:
    """The table that a statement makes for certain."""
    relation = made_table(node)
    return name_of(relation) if relation and not getattr(node, "if_not_exists", False) else None


def _key_lines(one: Statement) -> set[int]:
    """The lines on which the type of a key stands: primary, foreign, identity or serial."""
    elements = [*(getattr(one.node, "tableElts", None) or ()), *(command.def_ for _, command in commands(one.node))]
    columns = [e for e in elements if type(e).__name__ == "ColumnDef"]
    constraints = [e for e in elements if type(e).__name__ == "Constraint" and e.contype.name in KEYS]
    named = {word.sval for c in constraints for word in (*(c.keys or ()), *(c.fk_attrs or ()))}
    keys = [c for c in columns if c.colname in named or _is_key(c)]
    return {one.line + one.sql[: c.typeName.location].count("\n") for c in keys}


def _is_key(column: Any) -> bool:
    serial = column.typeName is not None and column.typeName.names[-1].sval.endswith("serial")
    return serial or any(c.contype.name in KEYS for c in column.constraints or ())
