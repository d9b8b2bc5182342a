"""Waiting for a condition, never for a time."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

T = TypeVar("T")


def wait_until(probe: Callable[[], T | None], *, timeout: float, interval: float = 0.01) -> T | None:
    """Poll `probe` until it answers something true; None when `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout
    while True:
        if answer := probe():
            return answer
        if time.monotonic() >= deadline:
            return None
        time.sleep(interval)


@contextlib.contextmanager
def exclusive(lock: Path, *, shared: bool = False, waits: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold a lock file, with others where all share it; `waits` is called once before a wait.

    Who comes later asks again and again: a signal just before a blocking call would go unheard.
    """
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    # Others who could open it could hold it.
    with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        os.fchmod(file.fileno(), 0o600)
        if not _taken(file, how):
            waits()
            wait_until(lambda: _taken(file, how), timeout=math.inf, interval=0.05)
        yield


def _taken(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
