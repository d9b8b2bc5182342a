"""Files of the package that are not modules: SQL, JavaScript, lock files, texts."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def resource(package: str | None, *names: str) -> Path:
    """The path of a file or folder beside the modules of `package`. It is on disk: Node.js and pip read it too."""
    return Path(str(files(package or "pushproof").joinpath(*names)))
