"""A text file of the project, or what keeps it from being read."""

from __future__ import annotations

from pathlib import Path

from pushproof.base.errors import PushproofError


def text_of(file: Path, error: type[PushproofError]) -> str:
    """The text of a regular file of UTF-8. Raises the error that names what there is instead."""
    if file.exists() and not file.is_file():  # to read a pipe would wait for good
        kind = "a folder" if file.is_dir() else "no regular file"
        raise error(f"cannot read {file}: it is {kind}", "put a text file in its place")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise error(f"{file} is not UTF-8 text", "save it as UTF-8") from None
    except OSError as problem:
        raise error(f"cannot read {file}: {problem.strerror}", "make it a file that you can read") from None
