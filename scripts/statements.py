"""SQL as the server's own grammar reads it: the statements of a file, where each begins, and what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

TRANSACTION_WORDS = re.compile(
    r"\b(begin|start|commit|end|rollback|abort|savepoint|release|prepare)\b", re.IGNORECASE
)  # without any of them there is nothing to parse for
COMMENTS = ("SQL_COMMENT", "C_COMMENT")  # COMMENT is the word of `comment on`


@dataclass(frozen=True)
class Statement:
    """One statement, without the comments around it. `node` is None where it does not parse."""

    sql: str
    line: int
    node: Any = None

    @property
    def title(self) -> str:
        """Its first words, for people: one line of at most 80 characters."""
        line = " ".join(self.sql.split())
        return line if len(line) <= 80 else line[:79] + "…"


def statements_of(sql: str) -> tuple[Statement, ...]:
    """The statements in their order; after a syntax error in one the others are still found."""
    import pglast

    found = []
    for part in split(sql):
        start, end, node = part.start, part.stop, None
        try:
            if not (words := tokens(sql[part])):
                continue
            start, end = part.start + words[0].start, part.start + words[-1].stop
            node = pglast.parse_sql(sql[start:end])[0].stmt
        except pglast.parser.ParseError:
            pass  # the server says it better
        found.append(Statement(sql[start:end], sql[:start].count("\n") + 1, node))
    return tuple(found)


def transaction_statement(sql: str) -> tuple[int, str] | None:
    """The first top-level transaction statement as (line, words); None without one."""
    if not TRANSACTION_WORDS.search(sql):
        return None
    import pglast

    for one in statements_of(sql):
        if isinstance(one.node, pglast.ast.TransactionStmt):
            return one.line, one.sql
    return None


def count_statements(sql: str) -> int | None:
    """How many statements `sql` holds; None where it does not parse."""
    import pglast

    try:
        return len(pglast.parse_sql(sql))
    except pglast.parser.ParseError:
        return None


def split(sql: str) -> list[slice]:
    """Where each statement is. After a syntax error the semicolons tell; all is one where a quote is never closed."""
    import pglast

    try:
        return list(pglast.split(sql, with_parser=True, only_slices=True))
    except pglast.parser.ParseError:
        return _split_at_semicolons(sql)


def _split_at_semicolons(sql: str) -> list[slice]:
    import pglast

    try:
        ends = [one.start for one in tokens(sql) if sql[one] == ";"]
    except pglast.parser.ParseError:
        return [slice(0, len(sql))]
    starts = [0, *(end + 1 for end in ends)]
    return [slice(start, end) for start, end in zip(starts, [*ends, len(sql)], strict=True)]


def tokens(sql: str) -> list[slice]:
    """Where each token is, comments left out. Raises pglast's ParseError."""
    import pglast

    return [slice(t.start, t.end + 1) for t in pglast.parser.scan(sql) if t.name not in COMMENTS]


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
