"""Read text files of the project, and explain why one cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

from pushproof.base.errors import PushproofError


def present(file: Path) -> bool:
    """Whether an entry of that name exists. A dangling link counts, so that an error names it."""
    return os.path.lexists(file)


def sql_files(folder: Path, error: type[PushproofError]) -> list[Path]:
    """The .sql files of a folder, by name; none if the folder does not exist.

    Raises `error` if the folder cannot be read, or if a folder in it holds .sql files.
    """
    try:
        nested = next((file for file in sorted(folder.glob("*/*")) if file.suffix.lower() == ".sql"), None)
        if nested:
            raise error(f"{nested} is not used: it is in a subfolder", f"move it to {folder}")
        return sorted(file for file in folder.iterdir() if file.suffix.lower() == ".sql")
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise error(f"cannot read {folder}: {problem.strerror}", "make it a folder that you can read") from None


def irregular(file: Path) -> str:
    """What the path is instead of a file, as text; empty for a regular file or none. Reading a pipe would block."""
    if not file.exists() or file.is_file():
        return ""
    return "a folder" if file.is_dir() else "not a regular file"


def hint_of(text: str) -> str:
    """The hint for text that is not TOML."""
    return "save it without a byte order mark at its start" if text.startswith("\ufeff") else "fix that line"


def text_of(file: Path, error: type[PushproofError]) -> str:
    """The text of a regular UTF-8 file. Raises `error` if it is not one or cannot be read."""
    if kind := irregular(file):
        raise error(f"cannot read {file}: it is {kind}", "put a text file in its place")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise error(f"{file} is not UTF-8 text", "save it as UTF-8") from None
    except OSError as problem:
        raise error(f"cannot read {file}: {problem.strerror}", "make it a file that you can read") from None
