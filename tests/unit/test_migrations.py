"""Files, versions and contents of migrations, without a database."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pushproof.base.errors import ProjectError
from pushproof.migrations.files import (
    Applied,
    Migration,
    check_contents,
    fingerprint,
    local_migrations,
    pair,
    refuse_none,
    same,
)
from pushproof.migrations.statements import transaction_statement


def files(folder: Path, *names: str) -> None:
    """Empty files."""
    for name in names:
        (folder / name).touch()


def test_order_and_what_is_not_a_migration(tmp_path: Path) -> None:
    """By version; only .sql files are looked at, and none of an editor's; numbers and timestamps may stand together."""
    files(tmp_path, "20260101000000_c.sql", "002_b.sql", "001_a.sql", "README.md", "._002_b.sql")
    (tmp_path / ".#001_a.sql").symlink_to("somebody@somewhere")
    assert [m.version for m in local_migrations(tmp_path)] == ["001", "002", "20260101000000"]


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


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"\xff", "001_a.sql is not UTF-8 text"),
        (b"\xef\xbb\xbfselect 1", "001_a.sql begins with a byte order mark"),
        ("select 1".encode("utf-16"), "001_a.sql is not UTF-8 text"),
        (b"select 1;\n\nselect '\0'", "001_a.sql line 3 holds a NUL byte"),
    ],
)
def test_what_is_no_text(tmp_path: Path, content: bytes, cause: str) -> None:
    """Neither another coding, nor what PostgreSQL cannot read as text, is a migration."""
    (tmp_path / "001_a.sql").write_bytes(content)
    with pytest.raises(ProjectError, match=re.escape(cause)):
        local_migrations(tmp_path)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """The system's own words, of a file and of the folder."""
    folder = tmp_path / "migrations"
    folder.symlink_to(folder)
    with pytest.raises(ProjectError, match=f"cannot read {folder}: Too many levels of symbolic links"):
        local_migrations(folder)
    folder.unlink()
    folder.mkdir()
    (folder / "001_a.sql").mkdir()
    with pytest.raises(ProjectError, match=r"cannot read .*001_a\.sql: it is a folder"):
        local_migrations(folder)
    (folder / "001_a.sql").rmdir()
    (folder / "001_a.sql").symlink_to("nowhere")
    with pytest.raises(ProjectError, match=r"cannot read .*001_a\.sql: No such file"):
        local_migrations(folder)
    (folder / "001_a.sql").unlink()
    os.mkfifo(folder / "001_a.sql")
    with pytest.raises(ProjectError, match=r"cannot read .*001_a\.sql: it is not a regular file"):
        local_migrations(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["", "001_a.sql"])
def test_what_may_not_be_read(tmp_path: Path, name: str) -> None:
    """Permission denied, said of what it is about; never an empty list."""
    (tmp_path / "001_a.sql").write_text("select 1")
    (tmp_path / name).chmod(0)
    try:
        with pytest.raises(ProjectError, match=f"cannot read {tmp_path / name}: Permission denied"):
            local_migrations(tmp_path)
    finally:
        (tmp_path / name).chmod(0o700)


def test_a_folder_that_is_missing_or_misspelt(tmp_path: Path) -> None:
    """What is there instead is named."""
    with pytest.raises(ProjectError, match=f"there is no folder {tmp_path}/migrations") as caught:
        local_migrations(tmp_path / "migrations")
    assert "supabase migration new" in caught.value.hint
    (tmp_path / "migration").mkdir()
    with pytest.raises(ProjectError) as caught:
        local_migrations(tmp_path / "migrations")
    assert caught.value.hint == f"is {tmp_path}/migration meant? Rename it"


@pytest.mark.parametrize(
    ("name", "shown"),
    [(b"033_a.SQL", "033_a.SQL"), (b"033_\xff.sql", r"033_\xff.sql"), (b"a.sql", "a.sql"), (b"-1_a.sql", "-1_a.sql")],
)
def test_a_name_that_the_cli_skips_or_refuses(tmp_path: Path, name: bytes, shown: str) -> None:
    """A file that would be left out in silence is named, whatever its name is made of."""
    (tmp_path / os.fsdecode(name)).write_text("select 1")
    with pytest.raises(ProjectError, match=re.escape(f"{shown} is not a migration's name")):
        local_migrations(tmp_path)


def test_no_migration_is_nothing_to_be_green_about(tmp_path: Path) -> None:
    """With the names of what the CLI does not look at."""
    files(tmp_path, "001_a.mysql", "002_b.sql.txt")
    with pytest.raises(ProjectError, match=f"there is no migration in {tmp_path}") as caught:
        refuse_none(tmp_path, local_migrations(tmp_path))
    assert caught.value.details == "found instead: 001_a.mysql, 002_b.sql.txt"


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
            check_contents([Migration("001", "a", file)])
    else:
        check_contents([Migration("001", "a", file)])


@pytest.mark.parametrize(
    ("sql", "cause"),
    [
        ("select 1;\n\\i other.sql\nselect 2;", r"line 2 has `\i`, a command of psql and not SQL"),
        ("\\restrict abc\nselect 1;", r"line 1 has `\restrict`, a command of psql"),
        ("\n\\connect db", r"line 2 has `\connect`"),
        ("create table a ();\nCOPY a FROM  stdin;\n1\t'x\n\\.\nselect 1;", "line 2 has `copy … from stdin`"),
        ("copy a (b) from stdin with (format csv);", "line 1 has `copy … from stdin`"),
        ("copy a to stdout", "line 1 has `copy … to stdout`"),
        ("select 1;\nset role anon;\nselect 2", "line 2 leaves `set role anon` in force"),
        ("set role anon; reset role; set session authorization x", "line 1 leaves `set session authorization x`"),
        ("set role anon; reset role", ""),
        ("set role anon; set role none", ""),
        ("set role anon; discard all", ""),
        ("set role postgres", ""),
        ("set local role anon", ""),
        ("copy a from '/tmp/a'", ""),
        ("select E'\\\\i', '\n\\i x'", ""),
        ("do $$ begin\n\\i\nend $$", ""),
    ],
)
def test_what_a_file_may_not_hold(tmp_path: Path, sql: str, cause: str) -> None:
    """What only psql understands, and a role that outlives the file, are named as that."""
    file = tmp_path / "001_a.sql"
    file.write_text(sql)
    if cause:
        with pytest.raises(ProjectError, match=re.escape(cause)):
            check_contents([Migration("001", "a", file)])
    else:
        check_contents([Migration("001", "a", file)])


def test_all_offences_are_named(tmp_path: Path) -> None:
    """One attempt shows every line that has to change."""
    for number in (1, 2):
        (tmp_path / f"00{number}_a.sql").write_text("begin;\n\\i a.sql")
    with pytest.raises(ProjectError, match=r"001_a\.sql line 1 has its own `begin`") as caught:
        check_contents(local_migrations(tmp_path))
    assert [line.partition(" has")[0] for line in caught.value.details.splitlines()] == [
        "001_a.sql line 2",
        "002_a.sql line 1",
        "002_a.sql line 2",
    ]


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


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("last", ["", "\xa0", "\f\n", "\v"])
def test_line_ends_make_no_difference(ends: str, last: str) -> None:
    """A file is read with one kind of line ends; the history has those of the file, in bodies too."""
    body = "create function public.f() returns int language sql as $$\nselect 1\n$$"
    assert same(f"{body};\ndrop function public.f();{last}", [body.replace("\n", ends), "drop function public.f()"])
    assert not same(f"{body};", [body.replace("select 1", "select 2")])


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
