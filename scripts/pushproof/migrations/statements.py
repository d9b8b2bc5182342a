"""SQL parsed with PostgreSQL's own grammar: the statements of a file, their lines and their kinds."""

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
)  # a text without any of them is not parsed
PSQL_COMMAND = re.compile(
    r"^(?:\\(?:[a-z!?;]\w*|\.)|[ \t]*copy\s[^;]*?\b(?P<copied>from\s+stdin|to\s+stdout)\b)",
    re.MULTILINE | re.IGNORECASE,
)
SETTING = re.compile(r"(set|reset|discard)\b", re.IGNORECASE)
INSERT = re.compile(r"insert\s+into\b", re.IGNORECASE)
UNUSUAL = re.compile(r"[\\$\"]|--|/\*|\b[a-z]'", re.IGNORECASE)  # a single quote may not delimit a plain string
LITERAL = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
COMMENT = re.compile(r"--|/\*")
SPACES = " \t\n\r\f\v"  # of PostgreSQL's scanner
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
ROLES = ("role", "session_authorization")
COMMENTS = ("SQL_COMMENT", "C_COMMENT")  # the token COMMENT is the keyword of `comment on`


@dataclass(frozen=True)
class Statement:
    """One statement, without the comments around it."""

    sql: str
    line: int

    @cached_property
    def node(self) -> Any:
        """The parse tree of pglast; None after a syntax error. Inserts that differ only in their values share one."""
        shape = self.sql
        if INSERT.match(shape) and not UNUSUAL.search(shape):
            return _parsed_once(LITERAL.sub(_neutral, shape))
        return _parsed(shape)

    @property
    def title(self) -> str:
        """The statement in one line of at most 80 characters, for messages."""
        line = " ".join(self.sql.split())
        return line if len(line) <= 80 else line[:79] + "…"


@lru_cache(maxsize=256)
def statements_of(sql: str) -> tuple[Statement, ...]:
    """The statements in order. A syntax error in one does not hide the others."""
    statements, line, former = [], 1, 0
    for part in split(sql):
        inner = _without_comments(sql[part])
        start, end = part.start + inner.start, part.start + inner.stop
        if start < end:
            line += sql.count("\n", former, start)
            former = start
            statements.append(Statement(sql[start:end], line))
    return tuple(statements)


def _without_comments(sql: str) -> slice:
    """The range from the first token to the last; the whole text if the scanner fails."""
    import pglast

    if COMMENT.search(sql):
        try:
            spans = _scan(sql)
        except pglast.parser.ParseError:
            return slice(0, len(sql))
        return slice(spans[0].start, spans[-1].stop) if spans else slice(0, 0)
    return slice(len(sql) - len(sql.lstrip(SPACES)), len(sql.rstrip(SPACES)))


def _parsed(sql: str) -> Any:
    import pglast

    try:
        return pglast.parse_sql(sql)[0].stmt
    except (pglast.parser.ParseError, IndexError):  # the server reports the error
        return None


_parsed_once = lru_cache(maxsize=256)(_parsed)


def _neutral(literal: re.Match[str]) -> str:
    return "''" if literal[0].startswith("'") else "0"


def transaction_statement(sql: str) -> tuple[int, str] | None:
    """The first top-level transaction statement as (line, text), or None."""
    if not TRANSACTION_WORDS.search(sql):
        return None
    candidates = (s for s in statements_of(sql) if TRANSACTION_WORDS.match(s.sql))
    return next(((s.line, s.sql) for s in candidates if type(s.node).__name__ == "TransactionStmt"), None)


@dataclass(frozen=True)
class Unrunnable:
    """A line that no connection can run, or whose effect outlives its file. `cause` completes "the file …"."""

    line: int
    cause: str
    hint: str


def unrunnable(sql: str) -> Iterator[Unrunnable]:
    """Commands of psql, and `copy` from or to a client: at most one for each statement."""
    for statement in statements_of(sql):
        match = PSQL_COMMAND.search(statement.sql)
        node = statement.node if match else None
        if match and (not node or (type(node).__name__ == "CopyStmt" and not node.filename)):
            line = statement.line + statement.sql[: match.start()].count("\n")
            if match["copied"]:
                cause = f"has `copy … {' '.join(match['copied'].lower().split())}`, whose rows only psql exchanges"
                yield Unrunnable(line, cause, "write `insert into … values …` instead (`pg_dump --inserts` does)")
            else:
                cause = f"has `{match[0]}`, a command of psql and not SQL"
                yield Unrunnable(line, cause, "leave it out; if it includes a file, put the text of that file here")


def lasting_role(sql: str) -> Unrunnable | None:
    """The last `set role` that nothing in the file resets; None without one."""
    lasting = None
    for statement in (s for s in statements_of(sql) if SETTING.match(s.sql)):
        kind, node = type(statement.node).__name__, statement.node
        if kind == "DiscardStmt":
            lasting = None
        elif kind == "VariableSetStmt" and node.name in ROLES and not node.is_local:
            text = " ".join(statement.sql.split())
            reset = node.kind.name != "VAR_SET_VALUE" or re.search(r"\b(none|postgres|default)$", text, re.IGNORECASE)
            cause = f"leaves `{text}` in force: the file's row of the history, and later files, would run as that role"
            hint = "write `set local role`, or `reset role` after it"
            lasting = None if reset else Unrunnable(statement.line, cause, hint)
    return lasting


def read_sql(file: Path) -> str:
    """The text of an SQL file. Raises ProjectError if it cannot be read or is no text that the server accepts."""
    text = text_of(file, ProjectError)
    if text.startswith("\ufeff"):
        raise ProjectError(
            f"{file.name} begins with a byte order mark, which the server reads as a part of the first word",
            "save it as UTF-8 without one",
        )
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise ProjectError(
            f"{file.name} line {line} holds a NUL byte, which PostgreSQL does not accept in text", "remove it"
        )
    return text


def count_statements(sql: str) -> int | None:
    """The number of statements in `sql`; None after a syntax error."""
    import pglast

    try:
        return len(pglast.split(plain(sql), with_parser=True, only_slices=True))
    except pglast.parser.ParseError:
        return None


def plain(sql: str) -> str:
    """The same text with `z` for each character beyond ASCII: pglast converts their positions slowly.

    To the scanner of SQL they are letters, so that tokens stay where they are.
    """
    return NOT_ASCII.sub("z", sql)


def split(sql: str) -> list[slice]:
    """The range of each statement: after a syntax error split at semicolons, with an unclosed quote the whole text."""
    import pglast

    try:
        return list(pglast.split(plain(sql), with_parser=True, only_slices=True))
    except pglast.parser.ParseError:
        return _split_at_semicolons(sql)


def _split_at_semicolons(sql: str) -> list[slice]:
    import pglast

    try:
        ends = [span.start for span in _scan(sql) if sql[span] == ";"]
    except pglast.parser.ParseError:
        return [slice(0, len(sql))]
    starts = [0, *(end + 1 for end in ends)]
    return [slice(start, end) for start, end in zip(starts, [*ends, len(sql)], strict=True)]


def tokens(sql: str) -> list[slice]:
    """The range of each token, without comments. Raises pglast's ParseError."""
    return [slice(at + span.start, at + span.stop) for at, piece in pieces(sql) for span in _scan(piece)]


def pieces(sql: str) -> Iterator[tuple[int, str]]:
    """The text cut at the ends of statements, as (offset, piece): the scanner takes quadratic time.

    Raises pglast's ParseError.
    """
    import pglast

    ends = [span.stop for span in pglast.split(plain(sql), with_parser=False, only_slices=True)]
    for start, end in itertools.pairwise(sorted({0, *ends, len(sql)})):
        yield start, sql[start:end]


def comments(sql: str) -> Iterator[slice]:
    """The range of each comment, but not of those in strings and bodies. Raises pglast's ParseError."""
    for at, piece in pieces(sql):
        yield from (slice(at + span.start, at + span.stop) for span in _scan(piece, comments=True))


def _scan(sql: str, *, comments: bool = False) -> list[slice]:
    import pglast

    scanned = pglast.parser.scan(plain(sql))
    return [slice(t.start, t.end + 1) for t in scanned if (t.name in COMMENTS) == comments]


NO_TRANSACTION = ("CreatedbStmt", "DropdbStmt", "AlterSystemStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt")


def runs_alone(node: Any) -> bool:
    """Whether the server refuses the statement in a transaction block: the CLI then runs its whole file without one."""
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
