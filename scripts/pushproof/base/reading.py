"""A text file of the project, or what keeps it from being read."""

from __future__ import annotations

import os
from pathlib import Path

from pushproof.base.errors import PushproofError


def present(file: Path) -> bool:
    """Whether there is anything of that name: a link to nowhere is, and is to be named rather than passed over."""
    return os.path.lexists(file)


def sql_files(folder: Path, error: type[PushproofError]) -> list[Path]:
    """The .sql files of a folder, by name; none where there is no such folder. Raises the error for one that cannot be
    read, or that holds such files where nobody looks for them: in a folder below it.
    """
    try:
        deeper = next((file for file in sorted(folder.glob("*/*")) if file.suffix.lower() == ".sql"), None)
        if deeper:
            raise error(f"{deeper} is not looked at: it lies in a folder of its own", f"move it to {folder}")
        return sorted(file for file in folder.iterdir() if file.suffix.lower() == ".sql")
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise error(f"cannot read {folder}: {problem.strerror}", "make it a folder that you can read") from None


def irregular(file: Path) -> str:
    """What stands where a file should be, for people; empty for a regular file or none. To read a pipe would wait."""
    if not file.exists() or file.is_file():
        return ""
    return "a folder" if file.is_dir() else "not a regular file"


def hint_of(text: str) -> str:
    """What to do about a text that is not TOML."""
    return "save it without the byte order mark that it begins with" if text.startswith("\ufeff") else "mend that line"


def text_of(file: Path, error: type[PushproofError]) -> str:
    """The text of a regular file of UTF-8. Raises the error that names what there is instead."""
    if kind := irregular(file):
        raise error(f"cannot read {file}: it is {kind}", "put a text file in its place")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise error(f"{file} is not UTF-8 text", "save it as UTF-8") from None
    except OSError as problem:
        raise error(f"cannot read {file}: {problem.strerror}", "make it a file that you can read") from None
