"""Files, versions and contents of migrations, without a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import ProjectError
from scripts.migrations import (
    Applied,
    Migration,
    check_transactions,
    fingerprint,
    local_migrations,
    pair,
)
from scripts.statements import transaction_statement


def files(folder: Path, *names: str) -> None:
    """Empty files."""
    for name in names:
        (folder / name).touch()


def test_order_and_what_is_not_a_migration(tmp_path: Path) -> None:
    """By version; other files than .sql are not looked at; numbers and timestamps may stand together."""
    files(tmp_path, "20260101000000_c.sql", "002_b.sql", "001_a.sql", "README.md")
    assert [m.version for m in local_migrations(tmp_path)] == ["001", "002", "20260101000000"]
    assert local_migrations(tmp_path / "none") == ()


@pytest.mark.parametrize(
    ("names", "cause"),
    [
        (("create.sql",), "create.sql is not a migration's name"),
        (("001-a.sql",), "001-a.sql is not a migration's name"),
        (("001_a.sql", "001_b.sql"), "001_a.sql and 001_b.sql have the same version"),
        (("001_a.sql", "1_b.sql"), "001_a.sql and 1_b.sql have the same version"),
        (("001_a.sql", "002_b.sql", "0003_c.sql"), "0003_c.sql: its version has 4 digits, others 3"),
    ],
)
def test_names_that_would_mislead(tmp_path: Path, names: tuple[str, ...], cause: str) -> None:
    """What the CLI would skip, confuse or order unexpectedly is refused by name."""
    files(tmp_path, *names)
    with pytest.raises(ProjectError) as caught:
        local_migrations(tmp_path)
    assert cause in caught.value.message


def test_what_is_no_text(tmp_path: Path) -> None:
    """Neither another coding nor a folder is a migration."""
    (tmp_path / "001_a.sql").write_bytes(b"\xff")
    with pytest.raises(ProjectError, match=r"001_a\.sql is not a file of UTF-8 text"):
        local_migrations(tmp_path)
    (tmp_path / "001_a.sql").unlink()
    (tmp_path / "001_a.sql").mkdir()
    with pytest.raises(ProjectError, match=r"001_a\.sql is not a file of UTF-8 text"):
        local_migrations(tmp_path)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select 1;\n-- é commit\n COMMIT ;", (3, "COMMIT")),
        ("/* é */ begin", (1, "begin")),
        ("select 'é';\nstart transaction;", (2, "start transaction")),
        ("savepoint a", (1, "savepoint a")),
        ("create table a ();\ncommit;\nselec 1", (2, "commit")),
        ("select ';commit;'; do $$ begin commit; end $$", None),
        ("create function f() returns int language sql begin atomic select 1; select 2; end", None),
        ("select 'never closed; commit", None),
        ("-- commit", None),
    ],
)
def test_own_transactions(tmp_path: Path, sql: str, found: tuple[int, str] | None) -> None:
    """Only statements count, not words in strings and bodies; a syntax error elsewhere hides none."""
    assert transaction_statement(sql) == found
    file = tmp_path / "001_a.sql"
    file.write_text(sql)
    if found:
        with pytest.raises(ProjectError, match=f"line {found[0]} has its own `{found[1]}`"):
            check_transactions([Migration("001", "a", file)])
    else:
        check_transactions([Migration("001", "a", file)])


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("select  'é',\n1 -- why\n", True),
        ("/* é */ select 'é', 1;;", True),
        ("select 'e', 1", False),
        ("select 'é', 2", False),
        ("select 'é ', 1", False),
        ("select 'é', 1; select 2", False),
    ],
)
def test_fingerprint(other: str, same: bool) -> None:
    """White space, comments and semicolons do not count, tokens do."""
    assert (fingerprint("select 'é', 1;") == fingerprint(other)) is same


def test_pairs(tmp_path: Path) -> None:
    """Each state; a row without statements has nothing to compare, and is no twin."""
    local = []
    for number in (1, 2, 3, 5, 7, 8):
        file = tmp_path / f"00{number}_x.sql"
        file.write_text(f"select {number} -- why")
        local.append(Migration(f"00{number}", "x", file))
    history = [
        Applied("002", "x", ("select 2",)),
        Applied("003", "x", ("select 0",)),
        Applied("004", "x", ()),
        Applied("005", "x", ()),
        Applied("006", "x", ("select 7",)),
    ]
    assert {p.version: (p.state, p.twin, p.late) for p in pair(local, history)} == {
        "001": ("late", "", "006"),
        "002": ("applied", "", ""),
        "003": ("edited", "", ""),
        "004": ("foreign", "", ""),
        "005": ("applied", "", ""),
        "006": ("moved", "007", ""),
        "007": ("moved", "006", ""),
        "008": ("pending", "", ""),
    }
