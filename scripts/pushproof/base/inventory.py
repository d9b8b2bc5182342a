"""What a cached folder held when it was made, so that damage is found once something fails."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

FOLDER = -1  # the noted size of a folder


def take(folder: Path, note: Path) -> None:
    """Write the size in bytes and the SHA-256 hash of each file in `folder`, and each folder in it, to `note`."""
    entries = (entry for entry in folder.rglob("*") if not entry.is_symlink())
    note.write_text(json.dumps({str(entry.relative_to(folder)): (_size(entry), _hash(entry)) for entry in entries}))


def damage(folder: Path, note: Path) -> str:
    """The path in `folder` of an entry that is not as it was noted, or the note's name if that cannot be read.

    Empty if all are as noted, which takes a second for each 250 MB: sizes are compared first, then hashes.
    """
    try:
        noted = {name: (size, digest) for name, (size, digest) in json.loads(note.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return note.name
    for name, (size, _) in noted.items():
        if _size(folder / name) != size:
            return str(name)
    return next((name for name, (_, digest) in noted.items() if _hash(folder / name) != digest), "")


def _size(entry: Path) -> int | None:
    """None if it is missing."""
    try:
        return FOLDER if entry.is_dir() else entry.stat().st_size
    except OSError:
        return None


def _hash(entry: Path) -> str:
    """Empty for a folder, and for a file that cannot be read."""
    try:
        return "" if entry.is_dir() else hashlib.sha256(entry.read_bytes()).hexdigest()
    except OSError:
        return ""
