"""The file does not parse."""

from __future__ import annotations

from collections.abc import Iterator

from pushproof.lint.files import ERROR, File, Project
from pushproof.migrations.statements import plain

LEVEL = ERROR
HINT = "correct it: the server would refuse the file"


def check(file: File, _project: Project) -> Iterator[tuple[int, str]]:
    """The first syntax error, found by PostgreSQL's own grammar."""
    from pglast.parser import ParseError, parse_sql, parse_sql_protobuf

    try:
        parse_sql_protobuf(plain(file.sql))
    except ParseError:
        try:
            parse_sql(file.sql)  # for its message, which quotes the text
        except ParseError as error:
            message, place = error.args
            yield file.sql[:place].count("\n") + 1, message
