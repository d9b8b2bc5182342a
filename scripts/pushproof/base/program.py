"""The name of the running program, as messages show it."""

from __future__ import annotations

import sys
from pathlib import Path


def program() -> str:
    """`invoke` if that program runs, else `pushproof`."""
    path = Path(sys.argv[0])
    return "invoke" if {"invoke", "inv"} & {path.stem, path.parent.name} else "pushproof"


def as_called(text: str) -> str:
    """A message with `pushproof TASK` replaced by `invoke TASK` if the user called invoke."""
    return text.replace("`pushproof ", f"`{program()} ")
