"""What the CLI's failures become, from the words that 2.122 and 3.1 really say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pushproof.base.errors import (
    CredentialsError,
    HistoryError,
    PartsError,
    ProjectError,
    PushproofError,
    SqlError,
    UnreachableError,
)
from pushproof.base.process import Completed
from pushproof.target.targets import Database, Target
from pushproof.tools.supabase_cli import Cli, _explain

TARGET = Target("embedded", "http://127.0.0.1:9", "p", "s", Database("127.0.0.1", 9, "postgres", "postgres", "hunter2"))
APPLYING = "Applying migration 001_a.sql...\nApplying migration 002_b.sql...\n"
FAILED = 'ERROR: relation "nope" does not exist (SQLSTATE 42P01)\nAt statement: 1\nselect * from nope\n    ^'
RAISED = "ERROR: a\nb (SQLSTATE P0001)\nd\nAt statement: 0\ndo $$ begin raise exception E'a\\nb'; end $$"


@pytest.mark.parametrize(
    ("code", "message", "kind", "cause"),
    [
        (
            "DbPushApplyError",
            FAILED,
            SqlError,
            '002_b.sql, statement 2: relation "nope" does not exist (SQLSTATE 42P01)',
        ),
        ("DbPushApplyError", RAISED, SqlError, "002_b.sql, statement 1: a (SQLSTATE P0001)"),
        ("DbPushMissingRemoteError", "Found local migration files", HistoryError, "a local migration sorts before"),
        ("DbPushMissingLocalError", "Remote migration versions not", HistoryError, "holds versions that are not in"),
        ("DbConnectError", "failed to connect: ECONNREFUSED", UnreachableError, "127.0.0.1:9/postgres does not answer"),
        ("DbConnectError", "password authentication failed", CredentialsError, "refuses the password"),
        ("DbConfigLoadError", "failed to load config: Invalid TOML\n\n1: [", ProjectError, "failed to load config"),
        ("CliConfigValueError", "Invalid db.major_version", ProjectError, "Invalid db.major_version"),
        ("Whatever", "never seen\nbefore", SqlError, "the Supabase CLI failed: never seen"),
    ],
)
def test_failures(code: str, message: str, kind: type[PushproofError], cause: str) -> None:
    """Each is an error of its kind, with one line of cause and a remedy."""
    answer = {"_tag": "Error", "error": {"code": code, "message": message}}
    error = _explain(TARGET, answer, Completed(1, json.dumps(answer), APPLYING), "--sql")
    assert type(error) is kind
    assert cause in error.message
    assert "\n" not in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("words", "sqlstate"),
    [
        ('relation "x" does not exist', "42P01"),
        ("must be owner of table users", "42501"),
        ('duplicate key value violates unique constraint "a_pkey"', "23505"),
        ('function "f" already exists with same argument types', "42723"),
        ("division by zero", "22012"),
        ('extension "vector" is not available', "0A000"),
        ("something new\nin two lines", "not reported by the CLI"),
    ],
)
def test_query_failures(words: str, sqlstate: str) -> None:
    """`db query` has no SQLSTATE: it is known from the words, or said to be unknown."""
    answer = {"error": {"code": "DbQueryExecError", "message": f"failed to execute query: error: {words}"}}
    error = _explain(TARGET, answer, Completed(1, "", ""), "--sql")
    assert error.message == f"--sql: {words.splitlines()[0]} (SQLSTATE {sqlstate})"


def test_silence() -> None:
    """A CLI that dies without a word is told by its exit code."""
    assert "no output, exit code 139" in _explain(TARGET, "", Completed(139, "", ""), "--sql").message


@pytest.mark.parametrize(
    ("said", "version"), [("2.122.1", (2, 122)), ("supabase 3.1.0\n", (3, 1)), ("2.121.9", None), ("4.0.0", None)]
)
def test_versions(said: str, version: tuple[int, int] | None) -> None:
    """Those that were tried, and no others."""
    cli = Cli(Path("supabase"), Path(), said)
    if version:
        assert cli.version == version
    else:
        with pytest.raises(PartsError, match="is not supported"):
            _ = cli.version
