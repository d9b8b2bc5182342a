"""Modules imported in a thread of their own."""

from __future__ import annotations

import importlib
import threading


def import_meanwhile(*names: str) -> None:
    """Import what a task will need, in the time in which a server or the CLI works for it."""

    def load() -> None:
        for name in names:
            importlib.import_module(name)

    threading.Thread(target=load).start()
