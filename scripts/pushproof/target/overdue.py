"""Statements that outlive their time limit: code of a project may catch its end, and then its connection is ended."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import PushproofError
from pushproof.target.database import connect
from pushproof.target.targets import Target

if TYPE_CHECKING:
    import psycopg

GRACE_SECONDS = 2  # after the server's own limit
POLL_SECONDS = 0.5
ENDED: weakref.WeakSet[psycopg.Connection[Any]] = weakref.WeakSet()  # connections whose statement took too long


class Overdue:
    """Watches the connections of a target, in a thread of its own: one that waits for the server cannot."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._deadlines: dict[psycopg.Connection[Any], float] = {}
        threading.Thread(target=self._watch, daemon=True, name="overdue statements").start()

    @contextlib.contextmanager
    def watched(self, connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
        """End the connection where the block takes longer than this and a little: whoever waits gets an error."""
        self._deadlines[connection] = time.monotonic() + seconds + GRACE_SECONDS
        try:
            yield
        finally:
            self._deadlines.pop(connection, None)

    def _watch(self) -> None:
        while True:
            time.sleep(POLL_SECONDS)
            now = time.monotonic()
            for connection in [one for one, deadline in [*self._deadlines.items()] if deadline < now]:
                self._deadlines.pop(connection, None)
                ENDED.add(connection)
                with contextlib.suppress(PushproofError), connect(self._target) as apart:
                    apart.execute("select pg_catalog.pg_terminate_backend(%s)", [connection.info.backend_pid])


@functools.cache
def overdue(target: Target) -> Overdue:
    """The one that watches this target's connections."""
    return Overdue(target)
