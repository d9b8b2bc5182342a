"""Import modules in background threads."""

from __future__ import annotations

import importlib
import threading
import time

LOADING: list[threading.Thread] = []


def import_meanwhile(*names: str) -> None:
    """Import modules that a task will need, while it waits for a server or the CLI."""

    def load() -> None:
        for name in names:
            importlib.import_module(name)

    LOADING.append(threading.Thread(target=load, daemon=True))
    LOADING[-1].start()


def await_imports(seconds: float) -> None:
    """Wait at most `seconds` for running imports. An interrupted import may have left a lock that they wait for."""
    deadline = time.monotonic() + seconds
    while LOADING:
        LOADING.pop().join(max(0, deadline - time.monotonic()))
