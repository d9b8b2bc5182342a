"""A file of SQL, taken apart by the server's grammar."""

from __future__ import annotations

import pytest

from pushproof.migrations.statements import comments, count_statements, statements_of, tokens


def test_statements_and_their_lines() -> None:
    """Without the comments around them; one that does not parse hides no other."""
    found = statements_of(
        "-- é\n\ncreate table a (); /* é */\nselect 1 from;\n;\n  select ';' -- why\n; comment on table a is ''"
    )
    assert [(s.line, s.sql, type(s.node).__name__) for s in found] == [
        (3, "create table a ()", "CreateStmt"),
        (4, "select 1 from", "NoneType"),
        (6, "select ';'", "SelectStmt"),
        (7, "comment on table a is ''", "CommentStmt"),
    ]


def test_what_does_not_parse_is_a_statement() -> None:
    """It is there, for the server to refuse; where a quote is never closed, all is one."""
    assert [s.sql for s in statements_of("selec 1")] == ["selec 1"]
    assert [s.sql for s in statements_of("select 1; selec (2);\n selec 3 -- é")] == ["select 1", "selec (2)", "selec 3"]
    assert [s.sql for s in statements_of("select 1; select 'never closed")] == ["select 1; select 'never closed"]


def test_title() -> None:
    """One line, not too long."""
    (one,) = statements_of("select\n  1,\n  '" + "x" * 100 + "'")
    assert one.title.startswith("select 1, 'xxx")
    assert len(one.title) == 80


@pytest.mark.parametrize(("sql", "count"), [("", 0), (" ;; -- x", 0), ("select 1; select ';'", 2), ("selec", None)])
def test_count(sql: str, count: int | None) -> None:
    """Statements, not semicolons; None where it does not parse."""
    assert count_statements(sql) == count


def test_letters_beyond_ascii() -> None:
    """They are letters of names, strings and comments, and move nothing: é, a space that does not break, a face."""
    sql = "-- 😀\ncreate table é (ü int); comment on table é is 'Größe; 😀' /* ß */;\nselect\u00a01 from é; $ä$ ; $ä$"
    assert [(s.line, s.sql) for s in statements_of(sql)] == [
        (2, "create table é (ü int)"),
        (2, "comment on table é is 'Größe; 😀'"),
        (3, "select\u00a01 from é"),
        (3, "$ä$ ; $ä$"),
    ]
    assert [sql[where] for where in comments(sql)] == ["-- 😀", "/* ß */"]
    assert [sql[where] for where in tokens(sql)][:4] == ["create", "table", "é", "("]


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("insert into a values (1, 'é')", "insert into a values (2.5, 'it''s; so')", True),
        ("insert into a1 values (1)", "insert into a2 values (1)", False),
        ("insert into a values (1)", "insert into a values (1), (2)", False),
        ("insert into a values (e'\\'', 'b')", "insert into a values (e'\\'', 'c')", False),
        ("insert into a values ($$1$$)", "insert into a values ($$2$$)", False),
        ("insert into a values (1 /* ' */)", "insert into a values (2 /* ' */)", False),
        ('insert into "a 1" values (1)', 'insert into "a 2" values (1)', False),
        ("update a set b = 1", "update a set b = 2", False),
    ],
)
def test_rows_that_differ_in_their_values(first: str, second: str, shared: bool) -> None:
    """A file of rows is parsed once, and nothing is taken for another statement."""
    one, other = statements_of(f"{first};\n{second};")
    assert type(one.node).__name__ in ("InsertStmt", "UpdateStmt")
    assert (one.node is other.node) is shared
