"""Comments that ignore a problem: `-- pushproof: ignore RULE: reason`, and squawk's own.

A comment before a statement, or on its first or last line, applies to the whole statement. Before or on any other line
it applies to that line. `ignore-file`, above the first statement and a blank line, applies to the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from pushproof.lint.files import ERROR, WARNING, File, Problem, last_line
from pushproof.migrations.statements import comments

OURS = re.compile(r"^--\s*pushproof:\s*(?P<word>ignore|ignore-file)\b(?!-)(?P<rules>[^:]*)(?::(?P<reason>.*))?$", re.S)
# Both kinds of comments. squawk itself applies them, and does not read rules after the second two dashes.
SQUAWKS = re.compile(r"^(?:--|/\*)\s*squawk-ignore(?:-file)?\b(?!-)(?P<rules>.*?)(?:--(?P<reason>.*?))?(?:\*/)?$", re.S)
MARKS = ("pushproof:", "squawk-ignore")
# Problems of the comments themselves, which no comment can ignore: level, description, hint.
RULES = {
    "ignore-without-reason": (
        ERROR,
        "An ignore gives a reason, so that later readers know whether it still applies.",
        "`-- pushproof: ignore RULE: reason`; squawk's own: `-- squawk-ignore RULE -- reason`",
    ),
    "unknown-rule": (
        ERROR,
        "An ignore names no rule, or one that does not exist.",
        "use the name that the problem shows; docs/lint.md lists the rules",
    ),
    "unused-ignore": (
        WARNING,
        "An ignore has nothing to ignore.",
        "remove it, or put it directly before its statement; `ignore-file` above the first statement and a blank line",
    ),
}


@dataclass(frozen=True)
class Comment:
    """A comment, the line on which it ends, and whether code precedes it on that line."""

    text: str
    line: int
    trailing: bool


@dataclass(frozen=True)
class Ignore:
    """One of our comments: its line, its rules, its reason, and the lines that it applies to."""

    line: int
    rules: tuple[str, ...]
    reason: str
    lines: range


def apply(file: File, problems: Iterable[Problem], known: Collection[str]) -> Iterator[Problem]:
    """The problems of a file that are not ignored, and problems of its ignores. `known` are the names of all rules."""
    ignores = list(_ignores(file))
    used: set[tuple[Ignore, str]] = set()
    for problem in problems:
        matching = {(i, problem.rule) for i in ignores if problem.rule in i.rules and problem.line in i.lines}
        used |= matching
        if not matching:
            yield problem
    for ignore in ignores:
        yield from _faults(file, ignore, known, used={rule for other, rule in used if other == ignore})
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
    """squawk itself reports unknown names. Without any name it does not lint the file."""
    if not (match["reason"] or "").strip():
        yield _problem(file, line, "ignore-without-reason", message="this squawk-ignore gives no reason")
    if not match["rules"].strip():
        yield _problem(file, line, "unknown-rule", message="this squawk-ignore names no rule")


def _problem(file: File, line: int, rule: str, message: str) -> Problem:
    level, _, hint = RULES[rule]
    return Problem(file=file.path, line=line, rule=rule, level=level, message=message, hint=hint)


def _ignores(file: File) -> Iterator[Ignore]:
    every = _comments(file.sql)
    alone = {c.line for c in every if c.text.startswith("--") and not c.trailing}
    for comment in every:
        if match := OURS.match(comment.text):
            names = tuple(name for part in match["rules"].split(",") if (name := part.strip()))
            lines = _head(file, comment) if match["word"] == "ignore-file" else _reach(file, comment, alone)
            yield Ignore(line=comment.line, rules=names, reason=match["reason"] or "", lines=lines)


def _head(file: File, comment: Comment) -> range:
    """The lines of the file, if the comment is above the first statement and a blank line; otherwise none."""
    lines = file.sql.splitlines()
    first = file.statements[0].line if file.statements else len(lines) + 1
    blank = any(not line.strip() for line in lines[comment.line : first - 1])
    return range(1, len(lines) + 1) if blank or not file.statements else range(0)


def _reach(file: File, comment: Comment, alone: set[int]) -> range:
    """The lines that a comment applies to: those of the statement that it follows or precedes, or one line."""
    line = comment.line
    while line in alone:
        line += 1
    reached = [s for s in file.statements if line == s.line or (comment.trailing and line == last_line(s))]
    if reached:
        return range(min(s.line for s in reached), max(last_line(s) for s in reached) + 1)
    return range(line, line + 1)


def _comments(sql: str) -> list[Comment]:
    """The comments, but not those in strings and bodies. No comments if the scanner fails or no mark is in the text."""
    from pglast.parser import ParseError

    if not any(mark in sql for mark in MARKS):
        return []
    try:
        spans = [*comments(sql)]
    except ParseError:
        return []
    return [
        Comment(sql[span].strip(), sql.count("\n", 0, span.stop - 1) + 1, bool(_line_before(sql, span.start)))
        for span in spans
    ]


def _line_before(sql: str, place: int) -> str:
    return sql[sql.rfind("\n", 0, place) + 1 : place].strip()
