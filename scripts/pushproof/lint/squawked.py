"""The problems that squawk reports, filtered for this push."""

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
# If another rule in the set reports the same line, the rule is left out.
COVERED_BY = {
    "constraint-missing-not-valid": {
        "adding-foreign-key-constraint",
        "adding-serial-primary-key-field",
        "disallowed-unique-constraint",
    }
}


def squawked(project: Project) -> Iterator[Problem]:
    """The problems of squawk, without those that do not apply or that another rule covers. Raises PartsError."""
    reports = squawk.lint([file.path for file in project.linted])
    for file in project.linted:
        own = [report for report in reports if report.file == file.path]
        reported = {(report.line, report.rule) for report in own}
        for report in own:
            covering = {(report.line, rule) for rule in COVERED_BY.get(report.rule, ())}
            if not covering & reported and _applies(report, file, project):
                yield Problem(
                    file=file.path,
                    line=report.line,
                    rule=PREFIX + report.rule,
                    level=report.level,
                    message=report.message,
                    hint=report.hint,
                )


def _applies(report: squawk.Violation, file: File, project: Project) -> bool:
    if report.rule == squawk.SYNTAX:  # our rule `syntax` reports it
        return not any(syntax.check(file, project))
    here = [s for s in file.statements if s.line <= report.line <= last_line(s)]
    if report.rule in KEYS_ONLY:
        return any(report.line in _key_lines(s) for s in here)
    if report.rule in squawk.OF_WHAT_IS_THERE:
        changes = [s for s in here if not made_table(s.node)]
        return not changes or not all(_on_new_tables(s, file, project) for s in changes)
    return True


def _on_new_tables(statement: Statement, file: File, project: Project) -> bool:
    """Whether it affects only tables that the same push makes before it, which are empty and unused."""
    node = statement.node
    relation = getattr(node, "relation", None)
    names = {name_of(relation)} if relation else dropped(node)
    files = project.linted if project.together else (file,)
    pushed = {id(s) for pushed_file in files for s in pushed_file.statements}
    return bool(names) and names <= {
        name for earlier in project.before(statement) if id(earlier) in pushed and (name := _new(earlier.node))
    }


def _new(node: Any) -> Name | None:
    """The table that a statement makes; None if it is temporary or may exist already."""
    relation = made_table(node)
    return name_of(relation) if relation and not getattr(node, "if_not_exists", False) else None


def _key_lines(statement: Statement) -> set[int]:
    """The lines with the type of a key column: primary, foreign, identity or serial."""
    elements = [
        *(getattr(statement.node, "tableElts", None) or ()),
        *(command.def_ for _, command in commands(statement.node)),
    ]
    columns = [e for e in elements if type(e).__name__ == "ColumnDef"]
    constraints = [e for e in elements if type(e).__name__ == "Constraint" and e.contype.name in KEYS]
    named = {key.sval for c in constraints for key in (*(c.keys or ()), *(c.fk_attrs or ()))}
    keys = [c for c in columns if c.colname in named or _is_key(c)]
    return {statement.line + statement.sql[: c.typeName.location].count("\n") for c in keys}


def _is_key(column: Any) -> bool:
    serial = column.typeName is not None and column.typeName.names[-1].sval.endswith("serial")
    return serial or any(c.contype.name in KEYS for c in column.constraints or ())
