"""Errors: codes of their own, and what failures of the server and of libpq become."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushproof.base import errors, inventory
from pushproof.base.errors import (
    CredentialsError,
    DiskFullError,
    IntentError,
    ProjectError,
    PushproofError,
    SettingsError,
    SqlError,
    UnreachableError,
)
from pushproof.base.reading import sql_files
from pushproof.base.waiting import exclusive
from pushproof.boundary import _machine_error, boundary
from pushproof.proof.intent import load
from pushproof.stack.run import Run
from pushproof.stack.scratch import scratch_project
from pushproof.target.database import connection_error, sql_error
from pushproof.target.targets import Database, Target
from pushproof.upkeep.panels import panels
from pushproof.upkeep.retention import RetentionRule
from tests.fix_rls import NOTHING_YET
from tests.fix_stack import Project


def target(kind: str, host: str = "a.co") -> Target:
    """A target whose API does not answer."""
    return Target(kind, "http://127.0.0.1:9", "p", "s", Database(host, 5432, "postgres", "postgres", "hunter2"))


def test_every_kind_has_its_code() -> None:
    """No two kinds share a code, and none takes one that the shell or Python gives a meaning."""
    kinds: list[Any] = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, PushproofError)]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert all(0 < code < 126 for code in codes)


@pytest.mark.parametrize(
    ("sqlstate", "advice"),
    [
        ("42P01", "earlier migration"),
        ("42501", "no superuser"),
        ("23505", "find them"),
        ("23503", "find them"),
        ("42723", "create or replace function"),
        ("42P07", "dashboard"),
        ("57014", "statement_timeout"),
        ("25001", "of its own"),
        ("XX000", "errcodes-appendix"),
    ],
)
def test_advice_by_sqlstate(sqlstate: str, advice: str) -> None:
    """Where, what and SQLSTATE in one line; more lines of the message are details; there is always a remedy."""
    error = sql_error(sqlstate, "it failed\nand how", where="001_a.sql", details="LINE 1")
    assert isinstance(error, SqlError)
    assert error.message == f"001_a.sql: it failed (SQLSTATE {sqlstate})"
    assert advice in error.hint
    assert error.details == "and how\nLINE 1"


def test_full_disk_of_the_server() -> None:
    """A full disk is one, whoever says it."""
    assert isinstance(sql_error("53100", "could not extend file", where="x"), DiskFullError)
    assert isinstance(connection_error(target("remote"), "No space left on device"), DiskFullError)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ('password authentication failed for user "postgres"', CredentialsError),
        ("FATAL:  Tenant or user not found", CredentialsError),
        ("Connection refused", UnreachableError),
        ("could not translate host name", UnreachableError),
        ('FATAL:  database "nowhere" does not exist', SettingsError),
        ("FATAL:  sorry, too many clients already", UnreachableError),
    ],
)
@pytest.mark.parametrize("where", ["remote", "embedded"])
def test_failed_connections(words: str, kind: type[PushproofError], where: str) -> None:
    """Refused or not reached; the remedy is the target's own."""
    error = connection_error(target(where), words)
    assert type(error) is kind
    assert ("pushproof" in error.hint) is (where == "embedded")
    assert ("too many clients" in error.message) is ("too many clients" in words)
    assert "hunter2" not in error.message + error.hint + error.details


def test_direct_host() -> None:
    """The direct host is IPv6 only, which looks like a dead host from elsewhere."""
    error = connection_error(target("remote", "db.abc.supabase.co"), "Network is unreachable")
    assert "session pooler" in error.hint


@pytest.mark.parametrize(
    ("number", "cause"), [(errno.ENOSPC, "disk is full"), (errno.EFBIG, "size of files is limited")]
)
def test_files_that_could_not_be_copied(number: int, cause: str) -> None:
    """shutil tells of many at once, in words."""
    problem = shutil.Error([("a", "b", f"[Errno {number}] {os.strerror(number)}: 'b'")])
    for one in (problem, OSError(number, os.strerror(number))):
        explained = _machine_error(one, Run("", as_json=False))
        assert isinstance(explained, DiskFullError)
        assert cause in explained.message


def test_too_many_open_files() -> None:
    """A limit of the shell's, and no bug."""
    explained = _machine_error(OSError(errno.EMFILE, os.strerror(errno.EMFILE), "a.sql"), Run("", as_json=False))
    assert isinstance(explained, SettingsError)
    assert "ulimit -n" in explained.hint


def test_a_copy_without_what_is_no_file(project: Project) -> None:
    """An editor's lock is a link to nowhere; a pipe would be waited for."""
    folder = project.settings.supabase_dir
    (folder / ".#access.toml").symlink_to("somebody@somewhere")
    os.mkfifo(folder / "pipe")
    try:
        with scratch_project(project.settings) as copy:
            assert (copy.supabase_dir / "config.toml").exists()
            assert not (copy.supabase_dir / "pipe").exists()
    finally:
        (folder / ".#access.toml").unlink()
        (folder / "pipe").unlink()


def test_a_lock_that_is_a_pipe(tmp_path: Path) -> None:
    """It can be locked like a file."""
    os.mkfifo(tmp_path / "lock")
    with exclusive(tmp_path / "lock"):
        pass


@pytest.mark.parametrize("text", ["[1]", "[[1, 2]]", '{"a": 1}', '{"a": [1]}', "1", "null", "{"])
def test_an_inventory_of_another_shape(tmp_path: Path, text: str) -> None:
    """It says nothing about the folder, which is taken for damaged."""
    (tmp_path / "note.json").write_text(text)
    assert inventory.damage(tmp_path, tmp_path / "note.json") == "note.json"


def test_sql_files(tmp_path: Path) -> None:
    """None where there is no folder; one that cannot be read is no folder without files."""
    assert sql_files(tmp_path / "none", SettingsError) == []
    (tmp_path / "b.sql").touch()
    (tmp_path / "a.sql").touch()
    (tmp_path / "a.txt").touch()
    assert [file.name for file in sql_files(tmp_path, SettingsError)] == ["a.sql", "b.sql"]
    with pytest.raises(SettingsError, match="cannot read"):
        sql_files(tmp_path / "a.sql", SettingsError)


def test_a_home_that_cannot_be_entered() -> None:
    """invoke would look for a configuration in it."""
    done = subprocess.run(
        [sys.executable, "-m", "pushproof", "--list"],
        env={**os.environ, "HOME": "/dev/null"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_intent_that_is_a_link_to_nowhere(tmp_path: Path) -> None:
    """It is named: to write a first one in its place would fail."""
    file = tmp_path / "access.toml"
    file.symlink_to(tmp_path / "nowhere")
    with pytest.raises(IntentError, match="No such file"):
        load(file, NOTHING_YET)


def test_an_error_log_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a library quotes: the file is there to be sent to somebody."""
    (tmp_path / "supabase").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "sb_secret_hunter2")
    with pytest.raises(SystemExit) as ended, boundary():
        raise LookupError("invalid header value 'sb_secret_hunter2'")
    assert ended.value.code == PushproofError.code
    log = (tmp_path / ".pushproof" / "error.log").read_text()
    assert "LookupError" in log
    assert "hunter2" not in log


@pytest.mark.parametrize("read", [lambda folder: panels(folder), lambda folder: RetentionRule.of(folder, "x", 1)])
def test_a_pipe_among_the_projects_files(tmp_path: Path, read: Callable[[Path], object]) -> None:
    """To read it would wait for good."""
    os.mkfifo(tmp_path / "x.sql")
    with pytest.raises(ProjectError, match="it is not a regular file"):
        read(tmp_path)


def test_a_sign_that_is_no_placeholder(tmp_path: Path) -> None:
    """Told before anything is deleted, with its file and line."""
    for name in ("batch", "x", "x_plan"):
        (tmp_path / f"{name}.sql").write_text("select 1 where 'a%%' = 'a' and %(days)s > 0\n%candidates%")
    assert RetentionRule.of(tmp_path, "x", 1).days == 1
    for wrong in ("select 'a%'", "select %(day)s", "select %s"):
        (tmp_path / "x_plan.sql").write_text(f"-- x\n{wrong}")
        with pytest.raises(ProjectError, match=r"x_plan\.sql line 2 contains a % that is not a placeholder"):
            RetentionRule.of(tmp_path, "x", 1)
