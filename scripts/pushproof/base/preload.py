"""Modules imported in a thread of their own."""

from __future__ import annotations

import importlib
import threading
import time

LOADING: list[threading.Thread] = []


def import_meanwhile(*names: str) -> None:
    """Import what a task will need, in the time in which a server or the CLI works for it."""

    def load() -> None:
        for name in names:
            importlib.import_module(name)

    LOADING.append(threading.Thread(target=load, daemon=True))
    LOADING[-1].start()


def await_imports(seconds: float) -> None:
    """Wait for imports that are under way, within a limit: an interruption may have left a lock that one waits for."""
    until = time.monotonic() + seconds
    while LOADING:
        LOADING.pop().join(max(0, until - time.monotonic()))
