"""Linting migrations: our rules, squawk, and what their ignores leave."""

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

    `earlier`: the files before them, which are applied and only read. `schemas`, `auto_expose`: which schemas the API
    shows, and whether it shows new tables without a grant. `together`: one push applies them all, so a table that one
    makes is empty for the next; otherwise each file stands for a push of its own. Raises PartsError without squawk.
    """
    linted, before = (tuple(File.of(one) for one in some) for some in (migrations, earlier))
    project = Project(linted, before, frozenset(schemas), auto_expose=auto_expose, together=together)
    found = [*_own(project), *squawked(project)]
    known = rules().keys() | {PREFIX + rule for rule in squawk.RULES | squawk.OFF.keys()} | {p.rule for p in found}
    return [
        problem
        for file in linted
        for problem in sorted(
            ignores.apply(file, [p for p in found if p.file == file.path], known), key=lambda p: (p.line, p.rule)
        )
    ]


def about(rule: str) -> tuple[str, str]:
    """What a rule is about, in a sentence, and the page about it if it is squawk's."""
    if name := rule.removeprefix(PREFIX) if rule.startswith(PREFIX) else "":
        return f"squawk's {name}.", squawk.page_of(name)
    return ignores.RULES[rule][1] if rule in ignores.RULES else (rules()[rule].__doc__ or rule).strip(), ""


def _own(project: Project) -> Iterator[Problem]:
    for file in project.linted:
        for name, rule in rules().items():
            for line, message in rule.check(file, project):
                yield Problem(file=file.path, line=line, rule=name, level=rule.LEVEL, message=message, hint=rule.HINT)
