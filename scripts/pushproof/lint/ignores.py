"""Comments that let a problem stand: `-- pushproof: ignore RULE: reason`, and squawk's own.

One stands before a statement or on its first or last line, and is for all of it; before or on another line, it is for
that line. `ignore-file` stands above the first statement and a blank line, and is for the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from pushproof.lint.files import ERROR, WARNING, File, Problem, last_line
from pushproof.migrations.statements import comments

OURS = re.compile(r"^--\s*pushproof:\s*(?P<word>ignore|ignore-file)\b(?!-)(?P<rules>[^:]*)(?::(?P<reason>.*))?$", re.S)
# A comment of either kind; squawk itself honours it, and takes what stands behind two dashes for no rule.
SQUAWKS = re.compile(r"^(?:--|/\*)\s*squawk-ignore(?:-file)?\b(?!-)(?P<rules>.*?)(?:--(?P<reason>.*?))?(?:\*/)?$", re.S)
MARKS = ("pushproof:", "squawk-ignore")
# Problems of the comments themselves, which no comment ignores: level, what it means, remedy.
RULES = {
    "ignore-without-reason": (
        ERROR,
        "An ignore says why: whoever reads it later has to know whether it still holds.",
        "`-- pushproof: ignore RULE: reason`; squawk's own: `-- squawk-ignore RULE -- reason`",
    ),
    "unknown-rule": (
        ERROR,
        "An ignore names a rule that there is not, or none.",
        "take the name from the problem that it is for; docs/lint.md lists them",
    ),
    "unused-ignore": (
        WARNING,
        "An ignore has nothing to ignore.",
        "remove it, or put it directly before what it is for; `ignore-file` above the first statement and a blank line",
    ),
}


@dataclass(frozen=True)
class Comment:
    """A comment, the line on which it ends, and whether code stands before it."""

    text: str
    line: int
    trailing: bool


@dataclass(frozen=True)
class Ignore:
    """One of our comments: for which rules, why, and on which lines."""

    line: int
    rules: tuple[str, ...]
    reason: str
    lines: range


def apply(file: File, problems: Iterable[Problem], known: Collection[str]) -> Iterator[Problem]:
    """The problems of a file that stay, and those of its ignores. `known`: the rules that there are."""
    ignores = list(_ignores(file))
    used: set[tuple[Ignore, str]] = set()
    for problem in problems:
        fitting = {(i, problem.rule) for i in ignores if problem.rule in i.rules and problem.line in i.lines}
        used |= fitting
        if not fitting:
            yield problem
    for ignore in ignores:
        yield from _faults(file, ignore, known, used={rule for one, rule in used if one == ignore})
    for comment in _comments(file.sql):
        if match := SQUAWKS.match(comment.text):
            yield from _squawks_faults(file, comment.line, match)


def _faults(file: File, ignore: Ignore, known: Collection[str], used: set[str]) -> Iterator[Problem]:
    if not ignore.reason:
        yield _problem(file, ignore.line, "ignore-without-reason", message="this ignore gives no reason")
    if not ignore.rules:
        yield _problem(file, ignore.line, "unknown-rule", message="this ignore names no rule")
    for rule in ignore.rules:
        if rule not in known:
            yield _problem(file, ignore.line, "unknown-rule", message=f"there is no rule {rule} to ignore")
        elif rule not in used:
            yield _problem(file, ignore.line, "unused-ignore", message=f"{rule} finds nothing that this ignore is for")


def _squawks_faults(file: File, line: int, match: re.Match[str]) -> Iterator[Problem]:
    """squawk reports unknown names itself; without any, a file is not linted at all."""
    if not (match["reason"] or "").strip():
        yield _problem(file, line, "ignore-without-reason", message="this squawk-ignore gives no reason")
    if not match["rules"].strip():
        yield _problem(file, line, "unknown-rule", message="this squawk-ignore names no rule")


def _problem(file: File, line: int, rule: str, message: str) -> Problem:
    level, _, hint = RULES[rule]
    return Problem(file=file.path, line=line, rule=rule, level=level, message=message, hint=hint)


def _ignores(file: File) -> Iterator[Ignore]:
    found = _comments(file.sql)
    alone = {one.line for one in found if one.text.startswith("--") and not one.trailing}
    for comment in found:
        if match := OURS.match(comment.text):
            names = tuple(name for word in match["rules"].split(",") if (name := word.strip()))
            lines = _head(file, comment) if match["word"] == "ignore-file" else _reach(file, comment, alone)
            yield Ignore(line=comment.line, rules=names, reason=match["reason"] or "", lines=lines)


def _head(file: File, comment: Comment) -> range:
    """The whole file, for a comment above the first statement and a blank line; or nothing."""
    lines = file.sql.splitlines()
    first = file.statements[0].line if file.statements else len(lines) + 1
    blank = any(not line.strip() for line in lines[comment.line : first - 1])
    return range(1, len(lines) + 1) if blank or not file.statements else range(0)


def _reach(file: File, comment: Comment, alone: set[int]) -> range:
    """The lines of what a comment stands behind or directly before, with only other comments between them."""
    line = comment.line
    while line in alone:
        line += 1
    begun = [one for one in file.statements if line == one.line or (comment.trailing and line == last_line(one))]
    if begun:
        return range(min(one.line for one in begun), max(last_line(one) for one in begun) + 1)
    return range(line, line + 1)


def _comments(sql: str) -> list[Comment]:
    """The comments that the server's scanner sees: not those in strings and bodies. None where it fails."""
    from pglast.parser import ParseError

    if not any(word in sql for word in MARKS):
        return []
    try:
        places = [*comments(sql)]
    except ParseError:
        return []
    return [
        Comment(sql[one].strip(), sql.count("\n", 0, one.stop - 1) + 1, bool(_line_before(sql, one.start)))
        for one in places
    ]


def _line_before(sql: str, place: int) -> str:
    return sql[sql.rfind("\n", 0, place) + 1 : place].strip()
