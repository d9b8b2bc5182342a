"""pgrls, a static linter of row level security: https://pypi.org/project/pgrls.

It pins another version of the SQL parser than we do. So it is installed in its own folder on first use, from pgrls.txt
with hashes, without z3 (59 MB), which its linter does not import.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pushproof.base import inventory, process
from pushproof.base.console import Console
from pushproof.base.errors import PartsError
from pushproof.base.places import cache_dir, make
from pushproof.base.resources import resource
from pushproof.base.settings import Settings
from pushproof.base.waiting import exclusive
from pushproof.target.database import LIMIT, options_of
from pushproof.target.targets import Target

PINS = resource(__package__, "pgrls.txt")
PIP = (
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
    "--no-input",
    "--retries=1",
)
LOADED_FIRST = "import json, os, sys; from pgrls.cli import main; os.environ |= json.load(sys.stdin); main()"
NO_NETWORK = ("Failed to establish a new connection", "Name or service not known", "timed out", "Connection refused")

Violation = dict[str, Any]


def ensure(settings: Settings, console: Console) -> Path:
    """The folder of pgrls, which is installed if it is missing. Raises PartsError; no partial installation stays."""
    recipe = hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = cache_dir(settings) / "pgrls" / recipe
    if not _is_installed(folder):
        make(folder.parent)
        with exclusive(folder.parent / "lock"):
            if not _is_installed(folder):
                _install(folder, console)
    return folder


def _is_installed(folder: Path) -> bool:
    return folder.exists() and _note(folder).exists()


def _install(folder: Path, console: Console) -> None:
    for leftover in folder.parent.glob("installing-*"):  # of a killed run, because we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="installing-") as scratch:
        with console.doing("Installing pgrls, once (33 MB)"):
            result = process.run([sys.executable, *PIP, f"--target={scratch}/site", "-r", PINS])
        if result.code:
            raise _explain(result.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        inventory.take(Path(scratch) / "site", _note(folder))
        (Path(scratch) / "site").rename(folder)


def _note(folder: Path) -> Path:
    return folder.with_suffix(".json")


def _explain(stderr: str) -> PartsError:
    details = "\n".join(stderr.strip().splitlines()[-3:])
    hint = "or omit the static findings with --no-findings"
    if "No module named pip" in stderr:
        return PartsError("pgrls is not installed, and this Python has no pip", f"run `python -m ensurepip`, {hint}")
    if any(message in stderr for message in NO_NETWORK):
        cause = "pgrls is not installed, and the package index does not answer"
        return PartsError(cause, f"connect to the network once, {hint}", details=details)
    return PartsError("pip could not install pgrls", f"its output is below; {hint}", details=details)


def _error(result: process.Completed) -> str:
    """The message at the end of the output, without the lines of a traceback."""
    lines = (result.stderr or result.stdout).strip().splitlines()
    begins = [number for number, line in enumerate(lines) if line[:1].strip()]
    return "\n".join(lines[begins[-1] :]) if begins else ""


def lint(folder: Path, target: Callable[[], Target], schemas: Sequence[str]) -> list[Violation]:
    """Findings: rule_id, severity, location, message. Raises PartsError if pgrls fails, and what `target` raises.

    `target` is called while pgrls loads, which takes half of its time.
    """

    def environment() -> str:
        database = target().database
        limit = options_of({"statement_timeout": LIMIT})
        return json.dumps({"DATABASE_URL": database.url, "PGOPTIONS": limit, **database.environment})

    result = process.run(
        [sys.executable, "-c", LOADED_FIRST, "lint", "--schemas", ",".join(schemas), "--format", "json"],
        env=process.inherited(PYTHONPATH=str(folder), PYTHONIOENCODING="utf-8"),
        cwd=folder,  # a pgrls.toml of the project is for its own use of pgrls
        text_in=environment,
    )
    try:
        violations: list[Violation] = json.loads(result.stdout)["violations"]
    except (ValueError, KeyError):
        if inventory.damage(folder, _note(folder)):
            shutil.rmtree(folder)
            hint = "run this again: it will be reinstalled"
            raise PartsError("pgrls was damaged and has been removed", hint) from None
        raise PartsError("pgrls failed", "--no-findings skips the findings", details=_error(result)) from None
    return violations
