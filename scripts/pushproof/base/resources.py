"""What the package holds beside its modules: SQL, JavaScript, lock files, texts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource(package: str | None, *names: str) -> Path:
    """A file or folder beside the modules of `package`. All are on disk: Node.js and pip read them too."""
    return Path(str(files(package or "pushproof").joinpath(*names)))
