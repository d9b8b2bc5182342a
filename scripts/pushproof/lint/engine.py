"""Lint migrations with our rules and squawk, and apply the ignores."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pushproof.lint import ignores
from pushproof.lint.files import File, Problem, Project
from pushproof.lint.rules import rules
from pushproof.lint.squawked import PREFIX, squawked
from pushproof.migrations.files import Migration
from pushproof.tools import squawk


def lint(
    migrations: Sequence[Migration],
    earlier: Sequence[Migration] = (),
    *,
    schemas: Collection[str] = ("public",),
    auto_expose: bool = False,
    together: bool = True,
) -> list[Problem]:
    """The problems of `migrations`, in the order of files and lines.

    `earlier` are the applied files before them, which are only read. `schemas` are those that the API exposes, and
    `auto_expose` says whether it exposes new tables without a grant. With `together` one push applies all files, so
    that a table made by one is empty for the next; otherwise each file is a push of its own. Raises PartsError without
    squawk.
    """
    linted, before = (tuple(map(File.of, files)) for files in (migrations, earlier))
    project = Project(linted, before, frozenset(schemas), auto_expose=auto_expose, together=together)
    problems = [*_own(project), *squawked(project)]
    known = rules().keys() | {PREFIX + rule for rule in squawk.RULES | squawk.OFF.keys()} | {p.rule for p in problems}
    return [
        problem
        for file in linted
        for problem in sorted(
            ignores.apply(file, [p for p in problems if p.file == file.path], known), key=lambda p: (p.line, p.rule)
        )
    ]


def about(rule: str) -> tuple[str, str]:
    """The description of a rule, and if it is one of squawk the address of its page."""
    if name := rule.removeprefix(PREFIX) if rule.startswith(PREFIX) else "":
        return f"squawk's {name}.", squawk.page_of(name)
    return ignores.RULES[rule][1] if rule in ignores.RULES else (rules()[rule].__doc__ or rule).strip(), ""


def _own(project: Project) -> Iterator[Problem]:
    for file in project.linted:
        for name, rule in rules().items():
            for line, message in rule.check(file, project):
                yield Problem(file=file.path, line=line, rule=name, level=rule.LEVEL, message=message, hint=rule.HINT)
