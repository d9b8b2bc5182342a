"""A copy of the project with a stack of its own, for measuring and for breaking; both gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from scripts.console import Console
from scripts.settings import Settings
from scripts.stack import Stack


@contextlib.contextmanager
def scratch_project(settings: Settings) -> Iterator[Settings]:
    """The settings of the copy; nothing runs yet, whatever was started is stopped."""
    with tempfile.TemporaryDirectory(prefix="pushproof-scratch-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's user has to enter it
        shutil.copytree(settings.supabase_dir, folder / "supabase")
        os.environ.pop("PUSHPROOF_STATE_DIR", None)
        copy = replace(
            settings, project=folder, state_dir=folder / ".pushproof", target="embedded", api_port=None, db_port=None
        )
        try:
            yield copy
        finally:
            Stack(copy, Console(as_json=True)).stop()
