"""SQL as the server's own grammar reads it: the statements of a file, where each begins, and what it is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pushproof.base.errors import ProjectError
from pushproof.base.reading import text_of

TRANSACTION_WORDS = re.compile(
    r"\b(begin|start|commit|end|rollback|abort|savepoint|release|prepare)\b", re.IGNORECASE
)  # without any of them there is nothing to parse for
OF_PSQL = re.compile(
    r"^(?:\\(?:[a-z!?;]\w*|\.)|[ \t]*copy\s[^;]*?\b(?P<copied>from\s+stdin|to\s+stdout)\b)",
    re.MULTILINE | re.IGNORECASE,
)
OF_SETTINGS = re.compile(r"(set|reset|discard)\b", re.IGNORECASE)
INSERT = re.compile(r"insert\s+into\b", re.IGNORECASE)
ODD = re.compile(r"[\\$\"]|--|/\*|\b[a-z]'", re.IGNORECASE)  # where a quote may not be what it seems
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
COMMENT = re.compile(r"--|/\*")
SPACES = " \t\n\r\f\v"  # of PostgreSQL's scanner
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
ROLES = ("role", "session_authorization")
COMMENTS = ("SQL_COMMENT", "C_COMMENT")  # COMMENT is the word of `comment on`


@dataclass(frozen=True)
class Statement:
    """One statement, without the comments around it."""

    sql: str
    line: int

    @cached_property
    def node(self) -> Any:
        """What pglast parses it to; None where it does not parse. Inserts that differ in their values share one."""
        shape = self.sql
        if INSERT.match(shape) and not ODD.search(shape):
            return _parsed_once(LITERAL.sub(_dull, shape))
        return _parsed(shape)

    @property
    def title(self) -> str:
        """Its first words, for people: one line of at most 80 characters."""
        line = " ".join(self.sql.split())
        return line if len(line) <= 80 else line[:79] + "…"


@lru_cache(maxsize=256)
def statements_of(sql: str) -> tuple[Statement, ...]:
    """The statements in their order; after a syntax error in one the others are still found."""
    found, line, former = [], 1, 0
    for part in split(sql):
        inner = _without_comments(sql[part])
        start, end = part.start + inner.start, part.start + inner.stop
        if start < end:
            line += sql.count("\n", former, start)
            former = start
            found.append(Statement(sql[start:end], line))
    return tuple(found)


def _without_comments(sql: str) -> slice:
    """Where its tokens are; all of it where the scanner does not know."""
    import pglast

    if COMMENT.search(sql):
        try:
            words = _scan(sql)
        except pglast.parser.ParseError:
            return slice(0, len(sql))
        return slice(words[0].start, words[-1].stop) if words else slice(0, 0)
    return slice(len(sql) - len(sql.lstrip(SPACES)), len(sql.rstrip(SPACES)))


def _parsed(sql: str) -> Any:
    import pglast

    try:
        return pglast.parse_sql(sql)[0].stmt
    except (pglast.parser.ParseError, IndexError):  # the server says it better
        return None


_parsed_once = lru_cache(maxsize=256)(_parsed)


def _dull(literal: re.Match[str]) -> str:
    return "''" if literal[0].startswith("'") else "0"


def transaction_statement(sql: str) -> tuple[int, str] | None:
    """The first top-level transaction statement as (line, words); None without one."""
    if not TRANSACTION_WORDS.search(sql):
        return None
    begins = (one for one in statements_of(sql) if TRANSACTION_WORDS.match(one.sql))
    return next(((one.line, one.sql) for one in begins if type(one.node).__name__ == "TransactionStmt"), None)


@dataclass(frozen=True)
class Unrunnable:
    """A line that no connection runs as it stands, or whose effect outlives its file. `cause` says what it does."""

    line: int
    cause: str
    hint: str


def unrunnable(sql: str) -> Iterator[Unrunnable]:
    """What is psql's and not SQL, and what copies from or to a client: one a statement, as its grammar reads it."""
    for one in statements_of(sql):
        found = OF_PSQL.search(one.sql)
        if found and (not one.node or (type(one.node).__name__ == "CopyStmt" and not one.node.filename)):
            line = one.line + one.sql[: found.start()].count("\n")
            if found["copied"]:
                cause = f"has `copy … {' '.join(found['copied'].lower().split())}`, whose rows only psql exchanges"
                yield Unrunnable(line, cause, "write `insert into … values …` instead (`pg_dump --inserts` does)")
            else:
                cause = f"has `{found[0]}`, a command of psql and not SQL"
                yield Unrunnable(line, cause, "leave it out; put the text of a file that it includes in its place")


def lasting_role(sql: str) -> Unrunnable | None:
    """The last `set role` that nothing in the file takes back: what comes after it would run as that role."""
    left = None
    for one in (one for one in statements_of(sql) if OF_SETTINGS.match(one.sql)):
        kind, node = type(one.node).__name__, one.node
        if kind == "DiscardStmt":
            left = None
        elif kind == "VariableSetStmt" and node.name in ROLES and not node.is_local:
            taken = " ".join(one.sql.split())
            back = node.kind.name != "VAR_SET_VALUE" or re.search(r"\b(none|postgres|default)$", taken, re.IGNORECASE)
            words = f"leaves `{taken}` in force: the file's row of the history, and later files, would run as that role"
            left = None if back else Unrunnable(one.line, words, "write `set local role`, or `reset role` after it")
    return left


def read_sql(file: Path) -> str:
    """A file of SQL. Raises ProjectError for one that cannot be read, or that the server would not take as text."""
    text = text_of(file, ProjectError)
    if text.startswith("\ufeff"):
        raise ProjectError(
            f"{file.name} begins with a byte order mark, which the server takes for a part of the first word",
            "save it as UTF-8 without one",
        )
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ProjectError(f"{file.name} line {line} holds a NUL byte, which no text of PostgreSQL may", "remove it")
    return text


def count_statements(sql: str) -> int | None:
    """How many statements `sql` holds; None where it does not parse."""
    import pglast

    try:
        return len(pglast.split(plain(sql), with_parser=True, only_slices=True))
    except pglast.parser.ParseError:
        return None


def plain(sql: str) -> str:
    """The same text with a letter for each character beyond ASCII, letters to SQL: pglast counts them slowly."""
    return NOT_ASCII.sub("z", sql)


def split(sql: str) -> list[slice]:
    """Where each statement is. After a syntax error the semicolons tell; all is one where a quote is never closed."""
    import pglast

    try:
        return list(pglast.split(plain(sql), with_parser=True, only_slices=True))
    except pglast.parser.ParseError:
        return _split_at_semicolons(sql)


def _split_at_semicolons(sql: str) -> list[slice]:
    import pglast

    try:
        ends = [one.start for one in _scan(sql) if sql[one] == ";"]
    except pglast.parser.ParseError:
        return [slice(0, len(sql))]
    starts = [0, *(end + 1 for end in ends)]
    return [slice(start, end) for start, end in zip(starts, [*ends, len(sql)], strict=True)]


def tokens(sql: str) -> list[slice]:
    """Where each token is, comments left out. Raises pglast's ParseError."""
    return [slice(at + one.start, at + one.stop) for at, piece in pieces(sql) for one in _scan(piece)]


def pieces(sql: str) -> Iterator[tuple[int, str]]:
    """The text cut at the ends of statements, each with its place: the scanner's time grows with the square of a text.

    Raises pglast's ParseError.
    """
    import pglast

    ends = [one.stop for one in pglast.split(plain(sql), with_parser=False, only_slices=True)]
    for start, end in itertools.pairwise(sorted({0, *ends, len(sql)})):
        yield start, sql[start:end]


def comments(sql: str) -> Iterator[slice]:
    """Where each comment is, those in strings and bodies left out. Raises pglast's ParseError."""
    for at, piece in pieces(sql):
        yield from (slice(at + one.start, at + one.stop) for one in _scan(piece, comments=True))


def _scan(sql: str, *, comments: bool = False) -> list[slice]:
    import pglast

    found = pglast.parser.scan(plain(sql))
    return [slice(t.start, t.end + 1) for t in found if (t.name in COMMENTS) == comments]


NO_TRANSACTION = ("CreatedbStmt", "DropdbStmt", "AlterSystemStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt")


def runs_alone(node: Any) -> bool:
    """Whether the server refuses it in a transaction block: the CLI then runs its whole file without one."""
    kind = type(node).__name__
    if kind == "VacuumStmt":
        return bool(node.is_vacuumcmd)
    if kind == "ReindexStmt":
        names = {param.defname for param in node.params or ()}
        return "concurrently" in names or node.kind.name in ("REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_DATABASE")
    if kind == "AlterTableStmt":
        return any(getattr(command.def_, "concurrent", False) for command in node.cmds)
    if kind == "ClusterStmt":
        return node.relation is None
    return kind in NO_TRANSACTION or (kind in ("IndexStmt", "DropStmt") and bool(node.concurrent))
