"""What a cached folder held when it was made, so that damage is found once something fails."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def take(folder: Path, note: Path) -> None:
    """Write the hash of each file in `folder`, and each folder in it, to `note`, as JSON."""
    note.write_text(json.dumps(_found(folder)))


def damage(folder: Path, note: Path) -> str:
    """The first of what was noted that is not as it was, or the note where it cannot be read; empty when all are.

    Paths are relative to `folder`. Reads all of it: some 250 MB a second.
    """
    try:
        noted = json.loads(note.read_text())
    except (OSError, ValueError):
        return note.name
    found = _found(folder)
    return next((name for name in noted if found.get(name) != noted[name]), "")


def _found(folder: Path) -> dict[str, str]:
    entries = (one for one in folder.rglob("*") if not one.is_symlink())
    return {str(one.relative_to(folder)): _hash(one) for one in entries}


def _hash(entry: Path) -> str:
    try:
        return "folder" if entry.is_dir() else hashlib.sha256(entry.read_bytes()).hexdigest()
    except OSError as problem:
        return str(problem.strerror)
