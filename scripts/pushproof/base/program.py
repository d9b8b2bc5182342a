"""The name under which the tasks were called, as messages repeat it."""

from __future__ import annotations

import sys
from pathlib import Path


def program() -> str:
    """`invoke`, which read a tasks.py, or else `pushproof`."""
    called = Path(sys.argv[0])
    return "invoke" if {"invoke", "inv"} & {called.stem, called.parent.name} else "pushproof"


def as_called(text: str) -> str:
    """A message, which names tasks as in `pushproof push`, with the program's name as the user called it."""
    return text.replace("`pushproof ", f"`{program()} ")
