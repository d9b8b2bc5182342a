"""Wait for a condition or a lock, not for a fixed time."""

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
    """Call `probe` until it returns a true value, which is returned; None after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        if result := probe():
            return result
        if time.monotonic() >= deadline:
            return None
        time.sleep(interval)


@contextlib.contextmanager
def exclusive(lock: Path, *, shared: bool = False, waits: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold a lock file in the block, exclusively or shared; `waits` is called once before a wait.

    The wait polls the lock, because a signal just before a blocking call would be handled only after it.
    """
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    # Only we may open it: whoever opens it can lock it.
    with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "rb", buffering=0) as file:
        os.fchmod(file.fileno(), 0o600)
        if not _lock(file, mode):
            waits()
            wait_until(lambda: _lock(file, mode), timeout=math.inf, interval=0.05)
        yield


def _lock(file: IO[bytes], mode: int) -> bool:
    try:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
