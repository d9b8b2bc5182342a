"""What is printed where: results on standard output, the rest on standard error."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from pushproof.base.console import Console, shown
from pushproof.base.errors import SqlError
from pushproof.checks.suite import Redacted
from pushproof.target.targets import Database, Target


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        ("é", "é"),
        ({"é": [None, False]}, '{"é": [null, false]}'),
        ([Decimal("1.50")], '["1.50"]'),
    ],
)
def test_values(value: object, text: str) -> None:
    """As SQL and JSON have them, not as Python does."""
    assert shown(value) == text


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows of any values, with brackets that are no markup; JSON is silent."""
    console = Console()
    console.table(["[bold]", "b"], [["[red]x", None]])
    console.line("[dim]")
    console.data({"a": 1})
    out, err = capsys.readouterr()
    assert all(text in out for text in ("[red]x", "null", "[dim]"))
    assert ("{" in out, err) == (False, "")


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/home/a/.venv/bin/pushproof", "pushproof"),
        ("/home/a/.venv/bin/invoke", "invoke"),
        ("/usr/bin/inv", "invoke"),
        ("/usr/lib/python3/site-packages/invoke/__main__.py", "invoke"),
        ("/usr/lib/python3/site-packages/pushproof/__main__.py", "pushproof"),
    ],
)
def test_tasks_have_the_name_by_which_they_were_called(
    called: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A remedy can be copied to the command line as it is."""
    monkeypatch.setattr(sys, "argv", [called, "push"])
    Console(as_json=True).error(SqlError("cause", "`pushproof push`", details="`pushproof verify` shows it"))
    out, err = capsys.readouterr()
    assert (out.count(f"`{name} "), err.count(f"`{name} "), "`pushproof" in out + err) == (2, 2, name == "pushproof")


def test_nothing_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Piped output keeps wide rows whole."""
    Console().table(["a"] * 99, [["long value"] * 99])
    assert capsys.readouterr().out.count("long value") == 99


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_were_closed(closed: str, tmp_path: Path) -> None:
    """They lead nowhere, and no file that is opened later takes their place, also in a child process."""
    kept = tmp_path / "kept"
    code = (
        "import os, subprocess, sys; from pushproof.base.console import Console; "
        "console = Console(); console.line('out'); console.status('err'); sys.stdin.read(); "
        f"file = open({str(kept)!r}, 'w'); print(file.fileno() > 2, file=file, flush=True); "
        "subprocess.run([sys.executable, '-c', 'import os; [os.fstat(n) for n in range(3)]'], check=True)"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code],
        input=b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, kept.read_text()) == (0, "True\n"), done.stderr


def test_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the first document is the only one; an error without a result is a document itself."""
    console = Console(as_json=True)
    console.line("unseen", ok=True)
    console.data({"a": Decimal(1)})
    console.error(SqlError("cause", "remedy", details="words"))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": "1"}
    assert err == "ERROR cause\nFIX   remedy\nwords\n"
    Console(as_json=True).error(SqlError("[cause]", "remedy", details="words"))
    error = {"code": 18, "message": "[cause]", "hint": "remedy", "details": "words"}
    assert json.loads(capsys.readouterr().out) == {"error": error}


def test_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys, password and tokens of a target do not pass."""
    import sys

    target = Target("remote", "", "sb_publishable_p", "sb_secret_s", Database("", 1, "", "", "hunter2"))
    print("sb_publishable_p sb_secret_s hunter2 eyJhb.eyJz-_.x_-y é", file=Redacted(sys.stdout, target))
    assert capsys.readouterr().out == "[redacted] [redacted] [redacted] [redacted] é\n"
